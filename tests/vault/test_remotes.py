"""Every remote keeps one contract, and says in words what is wrong with it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from mainstay.model.errors import Refused, Unreachable
from mainstay.vault.copies import remotes
from mainstay.vault.copies.remotes import DiskSettings, Remote, RemoteSettings
from mainstay.vault.copies.remotes.remote import Exists, Missing, content, fetched, listed
from mainstay.vault.copies.remotes.s3 import S3, s3
from mainstay.vault.store import unhurried
from tests.live.remotes import Relay, moto, s3_settings, s3rver, sshd, through

Server = Callable[[Path, int], AbstractContextManager[RemoteSettings]]


@contextmanager
def _disk(folder: Path, _port: int) -> Iterator[RemoteSettings]:
    (folder / "second").mkdir()
    (folder / "second" / ".mainstay-remote").touch()
    yield DiskSettings(folder / "second")


@pytest.fixture(params=[_disk, sshd, moto, s3rver], ids=["disk", "sftp", "moto", "s3rver"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, free_port: int) -> Iterator[Remote]:
    with request.param(tmp_path, free_port) as settings, remotes.opened(settings) as remote:
        yield remote


def _file(folder: Path, size: int = 300_000) -> tuple[Path, str]:
    path = folder / "a file"
    path.write_bytes(os.urandom(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_put_can_be_listed_hashed_and_read(remote: Remote, tmp_path: Path) -> None:
    path, digest = _file(tmp_path, 3_000_000)
    remote.put("objects/ab/one.gpg", path, digest, unhurried())
    remote.put("objects/ab/two.gpg", path, digest, unhurried())
    remote.put("backups/x/one", path, digest, unhurried())
    assert [(one.name, one.size) for one in sorted(remote.list("objects/"), key=lambda one: one.name)] == [
        ("objects/ab/one.gpg", 3_000_000),
        ("objects/ab/two.gpg", 3_000_000),
    ]
    assert remote.sha256("objects/ab/two.gpg", unhurried()) == digest
    assert fetched(remote, "backups/x/one", tmp_path / "back", unhurried()) == digest
    assert (tmp_path / "back").read_bytes() == path.read_bytes() == content(remote, "backups/x/one", unhurried())


def test_what_was_removed_is_missing_and_removing_bears_being_repeated(remote: Remote, tmp_path: Path) -> None:
    path, digest = _file(tmp_path)
    remote.put("objects/ab/one.gpg", path, digest, unhurried())
    for _ in range(2):
        remote.delete("objects/ab/one.gpg")
    assert list(remote.list("objects/")) == listed(remote, "nothing/", unhurried()) == []
    with pytest.raises(Missing, match="not there"):
        remote.sha256("objects/ab/one.gpg", unhurried())
    with pytest.raises(Missing, match="not there"):
        list(remote.read("objects/ab/one.gpg"))


@pytest.mark.parametrize("server", [_disk, sshd, moto], ids=["disk", "sftp", "moto"])
def test_nothing_is_ever_written_over(server: Server, tmp_path: Path, free_port: int) -> None:
    first, digest = _file(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(b"other")
    with server(tmp_path, free_port) as settings, remotes.opened(settings) as remote:
        remote.put("backups/x/one", first, digest, unhurried())
        with pytest.raises(Exists, match="taken"):
            remote.put("backups/x/one", other, hashlib.sha256(b"other").hexdigest(), unhurried())
        assert remote.sha256("backups/x/one", unhurried()) == digest


def test_a_large_file_goes_to_s3_in_parts_and_appears_whole(tmp_path: Path, free_port: int) -> None:
    path, digest = _file(tmp_path, 12_000_000)
    with moto(tmp_path, free_port) as settings, s3(settings) as opened:
        assert isinstance(opened, S3)
        remote = replace(opened, whole=1_000_000, part=5 << 20)
        remote.put("objects/ab/one.gpg", path, digest, unhurried())
        assert remote.sha256("objects/ab/one.gpg", unhurried()) == digest
        with pytest.raises(Exists):
            remote.put("objects/ab/one.gpg", path, digest, unhurried())
        assert not opened.client.list_multipart_uploads(Bucket=settings.bucket).get("Uploads")


def test_a_disk_without_its_marker_is_taken_for_unmounted(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="not mounted") as told, remotes.opened(DiskSettings(tmp_path)):
        pass
    assert f"touch {tmp_path}/.mainstay-remote" in str(told.value)


def test_s3_refuses_wrong_credentials_and_a_bucket_that_is_not_there(tmp_path: Path, free_port: int) -> None:
    with s3rver(tmp_path, free_port) as settings:
        (tmp_path / "wrong").mkdir()
        wrong = s3_settings(tmp_path / "wrong", free_port, "somebody")
        with remotes.opened(wrong) as remote, pytest.raises(Refused, match="does not accept our credentials"):
            listed(remote, "backups/", unhurried())
        missing = replace(settings, bucket="another")
        with remotes.opened(missing) as remote, pytest.raises(Refused, match="no such bucket"):
            listed(remote, "backups/", unhurried())


def test_sftp_refuses_a_strange_host_and_says_when_the_host_refuses_us(tmp_path: Path, free_port: int) -> None:
    with sshd(tmp_path, free_port) as settings:
        known = tmp_path / "nobody"
        known.touch()
        strange, ours = replace(settings, known_hosts=known), replace(settings, key=tmp_path / "host_key")
        with remotes.opened(strange) as remote, pytest.raises(Refused, match="this host is not known"):
            listed(remote, "backups/", unhurried())
        known.write_text(f"[127.0.0.1]:{free_port} {(tmp_path / 'user_key.pub').read_text()}")
        with remotes.opened(strange) as remote, pytest.raises(Refused, match="may be another host"):
            listed(remote, "backups/", unhurried())
        with remotes.opened(ours) as remote, pytest.raises(Refused, match="does not accept our key"):
            listed(remote, "backups/", unhurried())


@pytest.mark.parametrize("server", [sshd, moto], ids=["sftp", "s3"])
def test_what_was_cut_off_is_not_there_and_can_be_sent_again(server: Server, tmp_path: Path, free_port: int) -> None:
    path, digest = _file(tmp_path, 4_000_000)
    relay = Relay(free_port, left=1_500_000)
    with server(tmp_path, free_port) as settings, relay.running(), remotes.opened(through(relay, settings, tmp_path)) as remote:
        with pytest.raises(Unreachable):
            remote.put("objects/ab/one.gpg", path, digest, unhurried())
        assert relay.cuts
        relay.left = None
        assert [one.name for one in remote.list("objects/") if one.name.endswith(".gpg")] == []
        remote.put("objects/ab/one.gpg", path, digest, unhurried())
        assert remote.sha256("objects/ab/one.gpg", unhurried()) == digest


@pytest.mark.parametrize("server", [sshd, moto], ids=["sftp", "s3"])
def test_a_server_that_is_not_there_is_unreachable(server: Server, tmp_path: Path, free_port: int) -> None:
    with server(tmp_path, free_port) as settings:
        pass
    with remotes.opened(settings) as remote, pytest.raises(Unreachable, match="does not answer"):
        list(remote.list("backups/"))
