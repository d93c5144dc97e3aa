"""The maintenance mode of an nginx that is root's, around the work of a service that is not."""

from __future__ import annotations

import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.nginx_server import Nginx, running
from tests.root.listening import USER, Rooted, as_user
from tests.serve.served import PROGRAM, until

pytestmark = as_user


@pytest.fixture
def site() -> Iterator[tuple[Rooted, Nginx]]:
    with tempfile.TemporaryDirectory(prefix="root-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "nginx").mkdir(mode=0o755)
        with running(folder / "nginx") as server:
            site = Rooted(folder)
            site.settings["targets"]["web"] = server.settings(privilege="root")
            site.command("work", f"touch {folder}/state/begun; until [ -e {folder}/go ]; do sleep 0.05; done", impact="downtime")
            site.settings["routines"]["daily"] = {"around": ["web.maintenance"], "tasks": ["work.run"]}
            yield site, server


def status(server: Nginx) -> int:
    try:
        with urllib.request.urlopen(server.url(), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_root_sets_it_up_switches_it_and_lifts_it_for_a_run_that_may_not(site: tuple[Rooted, Nginx]) -> None:
    rooted, server = site
    argv = [
        "setpriv",
        f"--reuid={USER}",
        "--regid=65534",
        "--clear-groups",
        *PROGRAM,
        "-c",
        str(rooted.file),
        "run",
        "daily",
        "--yes",
    ]
    with rooted.unit():
        rooted.run("run", "web.setup", "--yes")
        assert (server.folder / "mode.conf").stat().st_uid == 0
        assert status(server) == 200
        with subprocess.Popen(argv, cwd="/") as run:
            until((rooted.folder / "state" / "begun").exists)
            assert status(server) == 503
            (rooted.folder / "go").touch()
            assert run.wait(timeout=60) == 0
        assert status(server) == 200
    assert (rooted.newest()["verdict"], rooted.newest()["settled"]) == ("pass", True)


def test_a_mode_with_words_of_its_own_is_left_to_root(site: tuple[Rooted, Nginx]) -> None:
    rooted, server = site
    with rooted.unit():
        rooted.run("run", "web.setup", "--yes")
        refused = rooted.run("mode", "on", "web", "--for", "10m", "--reason", "new shelves", code=1)
        assert "what it does not say has to be run as root" in " ".join(refused.split())
        assert status(server) == 200
