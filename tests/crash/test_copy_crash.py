"""kill -9 in the middle of a copy over SFTP: what is seen at the remote is complete, and the next attempt goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from mainstay.vault import keys as pairs
from mainstay.vault import remotes
from mainstay.vault.backup import Order, make
from mainstay.vault.copies import Copies, look, verify
from mainstay.vault.copy import copy
from mainstay.vault.keys import Keys
from mainstay.vault.names import BackupId
from mainstay.vault.remotes import Remote, SftpSettings
from mainstay.vault.repository import create_repository, open_repository
from mainstay.vault.store import Work, unhurried
from mainstay.vault.thinning import unneeded
from tests.live.remotes import sshd

ID = BackupId("20261121T020000Z.up.run-1")
ROOT = Path(__file__).parents[2]
PARTS = 12


@pytest.fixture
def settings(tmp_path: Path, free_port: int) -> Iterator[SftpSettings]:
    """Make a backup of many objects, and start the server that it is copied to."""
    for number in range(PARTS):
        (tmp_path / "up" / f"part-{number}").mkdir(parents=True)
        (tmp_path / "up" / f"part-{number}" / "random").write_bytes(os.urandom(200_000))
    make(create_repository(tmp_path / "repo"), FilesStore(tmp_path / "up"), Order(ID, "up", "run-1"), unhurried())
    pairs.generate(tmp_path / "keys", tmp_path / "escrow.txt", "demo", Door())
    with sshd(tmp_path, free_port) as settings:
        yield settings


def _copies(folder: Path, remote: Remote) -> Copies:
    return Copies(open_repository(folder / "repo"), "away", remote, Keys(folder / "keys"))


def _killed(folder: Path, settings: SftpSettings, moved: int) -> bool:
    """Copy in another process, which dies once so many bytes have moved; False when the copy was complete before."""
    argv = [sys.executable, __file__, str(folder), str(settings.port), settings.user, str(moved)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("kills", [(1, 900_000), (2_500_000, 1_500_000, 100_000), (5_000_000,), (8_000_000, 1_000_000)], ids=str)
def test_a_killed_copy_is_not_seen_and_goes_on(settings: SftpSettings, tmp_path: Path, kills: tuple[int, ...]) -> None:
    for moved in kills:
        assert _killed(tmp_path, settings, moved), "nothing was killed"
        with remotes.opened(settings) as remote:
            assert look(_copies(tmp_path, remote), unhurried()).entries == ()
            sent = {one.name for one in remote.list("objects/") if one.name.endswith(".gpg")}
    with remotes.opened(settings) as remote:
        copies = _copies(tmp_path, remote)
        copy(copies, ID, None, unhurried())
        assert verify(copies, ID, None, unhurried()).problems == ()
        names = {one.name for one in remote.list("objects/")}
        assert sent <= names
        assert names == set(copies.lists(unhurried())[ID].objects.values())
        assert unneeded(copies, unhurried()) == ()


def _die(folder: Path, port: int, user: str, most: int) -> None:
    """Copy, and die by SIGKILL once so many bytes have moved."""

    def check(moved: int) -> None:
        if moved >= most:
            os.kill(os.getpid(), signal.SIGKILL)

    where = str(folder / "remote")
    settings = SftpSettings("127.0.0.1", user, where, folder / "user_key", folder / "known_hosts", port)
    with remotes.opened(settings) as remote:
        copy(_copies(folder, remote), ID, None, Work(Deadline(Duration(60)), check))


if __name__ == "__main__":
    _die(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
