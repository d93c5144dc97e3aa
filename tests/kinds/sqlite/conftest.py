"""A database that an application left, and a way to run a task on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.sqlite.database import connect
from mainstay.kinds.sqlite.settings import SqliteSettings
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from mainstay.system.process import Door

Perform = Callable[..., list[str | None]]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Be the application: a connection to tmp_path/app.db in WAL mode, with 5,000 orders."""
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT, note TEXT)")
        connection.execute("CREATE INDEX by_who ON orders(who)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO orders(who, note) VALUES (?, ?)", ((f"w{i}", "x" * 200) for i in range(5000)))
        connection.execute("COMMIT")
        yield connection


@pytest.fixture
def session(tmp_path: Path) -> Callable[..., Any]:
    """Return a function that opens a session to tmp_path/app.db with the given settings."""
    return lambda **settings: _session(Target("db", "sqlite", SqliteSettings(tmp_path / "app.db", **settings)))


class _session:
    def __init__(self, target: Target) -> None:
        self.target, self.door = target, Door()
        self.opened = connect(target, self.door)

    def __enter__(self) -> Session:
        return Session(self.target, self.door, self.opened.__enter__())

    def __exit__(self, *error: Any) -> None:
        self.opened.__exit__(*error)


@pytest.fixture
def perform() -> Perform:
    """Return a function that plans a task, does every step, and returns what verify says of each."""

    def do(session: Session, name: str, **params: Any) -> list[str | None]:
        task = registry.load("sqlite").task(name)
        planned = task.plan(task.observe(session), task.params(**params), "run-1.db.task")
        said = []
        for step in (item for item in planned if isinstance(item, Step)):
            before = task.observe(session, step.on)
            assert task.verify(before, before, step), "verify must see that nothing happened"
            assert task.apply(session, step, Deadline(step.deadline)) is None
            said.append(task.verify(before, task.observe(session, step.on), step))
        return said

    return do
