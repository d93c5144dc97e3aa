"""The way to a database never creates it, never changes it by looking, and says what is wrong."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.sqlite.database import attended
from mainstay.model.errors import DeadlinePassed, Unreachable
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline

Open = Callable[..., Any]


def test_a_missing_file_is_named_and_not_created(tmp_path: Path, session: Open) -> None:
    with pytest.raises(Unreachable, match=r"cannot be read .*app\.db.*No such file"), session():
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "reason"), [(b"", "it is empty"), (b"PK\x03\x04 a zip, not a database", "it begins with")])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, session: Open, content: bytes, reason: str) -> None:
    (tmp_path / "app.db").write_bytes(content)
    with pytest.raises(Unreachable, match=reason), session():
        pass


def test_a_database_that_the_application_locks_is_reported_with_what_to_do(session: Open, app: sqlite3.Connection) -> None:
    app.executescript("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE")
    with session(busy_timeout=Duration(0.05)) as opened, pytest.raises(Unreachable, match=r"(?s)locked.*busy_timeout"):
        registry.load("sqlite").task("check").observe(opened)


def test_looking_changes_no_byte_of_a_database_in_use(tmp_path: Path, session: Open, app: sqlite3.Connection) -> None:
    def seen() -> dict[str, str]:
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir() if path.suffix != ".db-shm"
        }

    before = seen()
    with session() as opened:
        for task in registry.load("sqlite").tasks:
            task.observe(opened)
    assert seen() == before


def test_a_statement_that_would_write_fails_while_looking(session: Open, app: sqlite3.Connection) -> None:
    with pytest.raises(Unreachable, match="readonly"), session() as opened:
        opened.connection.execute("DELETE FROM orders")


def test_a_statement_ends_when_its_deadline_passes(session: Open, app: sqlite3.Connection) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    deadline = Deadline(Duration(0.2))
    with session() as opened:
        with pytest.raises(DeadlinePassed):
            attended(opened.connection, lambda: opened.connection.execute(endless), lambda: opened.pulse(deadline))
        assert opened.connection.execute("SELECT count(*) FROM orders").fetchone() == (5000,)


def test_two_names_of_one_file_are_one_resource(tmp_path: Path, session: Open) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db")) as made:
        made.execute("CREATE TABLE t(a)")
    (tmp_path / "link.db").symlink_to(tmp_path / "app.db")
    kind = registry.load("sqlite")
    target = session().target
    other = type(target)("other", "sqlite", type(target.settings)(tmp_path / "link.db"))
    assert kind.resource(target) == kind.resource(other)
