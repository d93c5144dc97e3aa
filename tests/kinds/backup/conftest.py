"""A site with a database and a folder that are backed up into one repository."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.backup.settings import BackupSettings, RepositorySettings
from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.kind import Session
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.model.plan import Skip, Step
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from mainstay.vault.store import Store

Perform = Callable[..., list[str]]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Be the application: a connection to tmp_path/app.db, whose newest rows are still in the write-ahead log."""
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT)")
        connection.executemany("INSERT INTO orders(who) VALUES (?)", ((f"w{i}",) for i in range(300)))
        yield connection


@pytest.fixture
def session(tmp_path: Path, app: sqlite3.Connection) -> Callable[..., Session]:
    """Return a function that opens a session to the repository tmp_path/repo of `db` and `uploads`."""
    (tmp_path / "uploads" / "2026").mkdir(parents=True)
    (tmp_path / "uploads" / "2026" / "a.txt").write_text("a")
    stores: dict[str, Store] = {"db": SqliteStore(tmp_path / "app.db"), "uploads": FilesStore(tmp_path / "uploads")}

    def opened(held: frozenset[str] = frozenset(), last: Any = None, **settings: Any) -> Session:
        wanted = {"of": ("db", "uploads"), **settings}
        target = Target("safe", "backup", BackupSettings(RepositorySettings(tmp_path / "repo"), **wanted))
        return Session(target, Door(), stores=stores, held=held, last=last, site="demo", ledger_head="abc")

    return opened


@pytest.fixture
def perform() -> Perform:
    """Return a function that plans a task, does every step with its proof, and returns what was done or left alone, and why."""
    runs = iter(range(1, 1000))

    def do(session: Session, name: str, **params: Any) -> list[str]:
        task = registry.load("backup").task(name)
        told = []
        for item in task.plan(task.observe(session), task.params(**params), f"run-{next(runs)}.safe.{name}"):
            if isinstance(item, Step):
                before = task.observe(session, item.on)
                assert task.verify(before, before, item), "verify must see that nothing happened"
                task.apply(session, item, Deadline(item.deadline))
                assert task.verify(before, task.observe(session, item.on), item) is None
            told.append(f"{'skip' if isinstance(item, Skip) else item.action} {item.on[1]}: {item.because}")
        return told

    return do
