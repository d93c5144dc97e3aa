from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.discover import Roots, local_timezone, surroundings


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """Build a small host: a project and crontabs."""
    for folder in ("srv/app", "etc/cron.d", "usr/share/zoneinfo/Europe"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "srv/app/compose.yaml").write_text("services: {}\n")
    (tmp_path / "srv/link").symlink_to(tmp_path / "srv/app")
    (tmp_path / "etc/cron.d/app").write_text("# comment\nPATH=/bin\n0 2 1-7 * 0 root curl http://u:hunter2@host/\n")
    os.mkfifo(tmp_path / "etc/cron.d/pipe")
    return tmp_path


def seen(host: Path) -> list[str]:
    return [f"{note.what} [{note.kind}]" for note in surroundings(Roots(host, (host / "srv", host / "none")))]


def test_a_listening_port_is_seen_with_its_process(host: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
        (note,) = [note for note in seen(host) if note.startswith(f"port {port} ")]
    assert note.startswith(f"port {port} on 127.0.0.1: ")


def test_a_compose_file_is_seen_and_links_are_not_followed(host: Path) -> None:
    assert [note for note in seen(host) if "Compose" in note] == [f"Compose file {host}/srv/app/compose.yaml [docker]"]


def test_the_jobs_of_a_crontab_are_kept_with_passwords_masked(host: Path) -> None:
    (note,) = [note for note in surroundings(Roots(host, ())) if note.what.startswith("crontab")]
    assert note.lines == ("0 2 1-7 * 0 root curl http://u:***@host/",)


def test_the_zone_of_the_host_is_read_from_its_link(host: Path) -> None:
    assert local_timezone(host) == "UTC"
    (host / "etc/localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert local_timezone(host) == "Europe/Berlin"
