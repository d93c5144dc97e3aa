"""A repository that restic carried away and brought back is one: proven like any other, and what was lost on the way is named."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.vault import catalogue
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository, open_repository
from mainstay.vault.restore import prove
from mainstay.vault.store import unhurried

IDS = [BackupId(f"2026112{day}T020000Z.db.run-{day}") for day in (1, 2)]
Restic = Callable[..., str]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="needs root and mmdebstrap"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpack restic of a newer Debian: the one of this release may be too old."""
    root = tmp_path_factory.mktemp("restic") / "root"
    options = ["--variant=extract", "--mode=root", "--quiet", "--include=restic"]
    done = subprocess.run(["mmdebstrap", *options, "trixie", root], check=False, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"restic cannot be had from here: {done.stderr.strip()[-200:]}")
    return root / "usr" / "bin" / "restic"


@pytest.fixture
def restic(program: Path, tmp_path: Path) -> Restic:
    """Return a function that runs restic on a repository of its own."""
    own = {
        "RESTIC_REPOSITORY": str(tmp_path / "restic"),
        "RESTIC_PASSWORD": "secret",
        "RESTIC_CACHE_DIR": str(tmp_path / "cache"),
    }

    def run(*words: str) -> str:
        environment = {**os.environ, **own}
        done = subprocess.run([program, *words], env=environment, check=True, capture_output=True, text=True, timeout=120)
        return done.stdout

    run("init", "--quiet")
    return run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as app:
        app.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)")
        app.executemany("INSERT INTO orders(note) VALUES (?)", ((f"order {n} " * 20,) for n in range(5_000)))
        yield SqliteStore(tmp_path / "app.db")


def _two_days(store: SqliteStore, root: Path) -> None:
    """Make a full backup, and one that is a delta."""
    repository = create_repository(root)
    make(repository, store, Order(IDS[0], "db", "run-1"), unhurried())
    with closing(sqlite3.connect(store.path, isolation_level=None)) as app:
        app.execute("UPDATE orders SET note = 'changed' WHERE id % 100 = 0")
    second = make(repository, store, Order(IDS[1], "db", "run-2", previous=IDS[0]), unhurried())
    assert [one.name for one in second.streams if one.base] == ["database.sqlite"]


def test_what_restic_brings_back_is_proven(restic: Restic, store: SqliteStore, tmp_path: Path) -> None:
    _two_days(store, tmp_path / "repo")
    restic("backup", "--quiet", "--exclude=.part-*", str(tmp_path / "repo"))
    restic("check", "--quiet", "--read-data")
    shutil.rmtree(tmp_path / "repo")
    restic("restore", "latest", "--target", str(tmp_path / "back"))
    repository = open_repository(tmp_path / "back" / tmp_path.relative_to("/") / "repo")
    assert all(prove(repository, id, store, "after", unhurried()).differences == () for id in IDS)
    seen = catalogue.read(repository)
    assert [bool(entry.proven) for entry in seen.entries] == [True, True]
    assert (seen.damaged, seen.clutter, seen.unneeded) == ((), (), 0)


def test_a_base_that_was_not_brought_along_is_named(restic: Restic, store: SqliteStore, tmp_path: Path) -> None:
    _two_days(store, tmp_path / "repo")
    base = max((tmp_path / "repo" / "objects").rglob("*.zst"), key=lambda path: path.stat().st_size)
    restic("backup", "--quiet", f"--exclude={base.name}", str(tmp_path / "repo"))
    restic("restore", "latest", "--target", str(tmp_path / "back"))
    repository = open_repository(tmp_path / "back" / tmp_path.relative_to("/") / "repo")
    for id in IDS:
        assert base.name in prove(repository, id, store, "after", unhurried()).differences[0]
