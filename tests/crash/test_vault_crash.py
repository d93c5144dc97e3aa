"""kill -9 at every system call that changes the repository: what is seen is complete, and starting again ends well."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.kinds.sqlite.content import measure
from mainstay.vault import catalogue
from mainstay.vault.repository import open_repository
from mainstay.vault.store import unhurried
from mainstay.vault.verify import verify
from tests.crash.vault_steps import FIRST, SECOND, first

DRIVER, ROOT = str(Path(__file__).with_name("vault_steps.py")), Path(__file__).parents[2]
# strace counts each system call by itself, so that each has a row of its own.
CALLS = ("fsync", "rename", "renameat2", "unlink", "unlinkat", "rmdir", "mkdir", "pwrite64", "write")
SAMPLE = [("fsync", 4), ("fsync", 9), ("rename", 3), ("renameat2", 1), ("rename", 5), ("unlinkat", 2), ("mkdir", 1)]


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Return a folder with a database in WAL mode and a repository with one proven backup of it."""
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as app:
        app.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)")
        app.executemany("INSERT INTO orders(note) VALUES (?)", ((f"order {n}",) for n in range(50)))
    first(tmp_path)
    return tmp_path


def _drive(world: Path, *under: str) -> int:
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*under, sys.executable, DRIVER, str(world)], env=environment, stderr=subprocess.DEVNULL, check=False
    ).returncode


def _killed(world: Path, calls: str, count: int) -> bool:
    """Run until the count-th of these calls, and die there; False when there was none."""
    inject = ["-e", f"trace={calls}", "-e", f"inject={calls}:signal=KILL:when={count}"]
    code = _drive(world, "strace", "-f", "-o", os.devnull, *inject)
    assert code in (0, -9, 137), f"the driver failed: {code}"
    return code != 0


def _sound(world: Path) -> set[str]:
    """Require every visible backup to be complete, and return their ids."""
    repository = open_repository(world / "repo")
    seen = catalogue.read(repository)
    assert (seen.damaged, seen.clutter) == ((), ())
    for entry in seen.entries:
        assert verify(repository, entry.id, unhurried()) == ()
    if (world / "restored.db").exists():
        with closing(sqlite3.connect(world / "restored.db")) as copy, closing(sqlite3.connect(world / "app.db")) as app:
            assert measure(copy) == measure(app)
    proven = {entry.id for entry in seen.entries if entry.proven}
    assert proven, "a proven backup must be there at every moment"
    return {str(entry.id) for entry in seen.entries}


def _survives(world: Path, calls: str, count: int) -> bool:
    if not _killed(world, calls, count):
        return False
    assert _sound(world) in ({FIRST}, {FIRST, SECOND}, {SECOND})
    assert _drive(world) == 0, "starting again must end well"
    assert _sound(world) == {SECOND}
    assert not list((world / "repo").glob(".part-*"))
    assert not [path.name for path in world.iterdir() if path.name.startswith(".")]
    return True


@pytest.mark.parametrize(("calls", "count"), SAMPLE)
def test_a_kill_leaves_the_old_or_the_new_catalogue(world: Path, calls: str, count: int) -> None:
    assert _survives(world, calls, count), "the kill did not fire"


@pytest.mark.slow
@pytest.mark.parametrize("calls", CALLS)
def test_a_kill_at_every_single_call_leaves_the_old_or_the_new_catalogue(
    world: Path, tmp_path_factory: pytest.TempPathFactory, calls: str
) -> None:
    fired = 0
    while True:
        copy = tmp_path_factory.mktemp("world") / "copy"
        shutil.copytree(world, copy, symlinks=True)
        if not _survives(copy, calls, fired + 1):
            break
        fired += 1
        shutil.rmtree(copy)
    print(f"{fired} kills at {calls}")
    assert fired > 0
