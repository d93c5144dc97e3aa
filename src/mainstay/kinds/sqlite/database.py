"""One way to a SQLite file: never creating it, never waiting for ever, and with errors that say what to do."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from mainstay.model.errors import MainstayError, StepFailed, Unreachable
from mainstay.model.target import Target
from mainstay.model.units import Duration, Size
from mainstay.system.files import room
from mainstay.system.process import Door
from mainstay.vault.store import Pulse

MAGIC = b"SQLite format 3\0"  # https://sqlite.org/fileformat2.html#magic_header_string
_POLL = 0.05  # seconds between two pulses

T = TypeVar("T")


class Database(sqlite3.Connection):
    """A connection that knows its file."""

    path: Path


@contextmanager
def connect(target: Target, _door: Door) -> Iterator[Database]:
    """Open a target's database for looking: a statement that would write fails (`writing` lifts that for one act)."""
    with open_database(target.settings.path, target.settings.busy_timeout) as connection:
        connection.execute("PRAGMA query_only = ON")
        yield connection


@contextmanager
def open_database(path: Path, busy_timeout: Duration, query: str = "mode=rw") -> Iterator[Database]:
    """Open a file that must exist and be a SQLite database, in autocommit mode; Unreachable when it is not."""
    _require_header(path)
    where = f"file:{quote(str(path))}?{query}"
    with (
        explained(path),
        closing(Database(where, timeout=busy_timeout, isolation_level=None, uri=True, check_same_thread=False)) as connection,
    ):
        connection.path, connection.text_factory = path, _text
        yield connection


def first_value(connection: Database, query: str) -> object:
    """Run a query that an operator wrote, and return its first value; None where it yields nothing."""
    with explained(connection.path):
        row = connection.execute(query).fetchone()
    return row[0] if row else None


@contextmanager
def writing(connection: Database) -> Iterator[Database]:
    """Allow one act to write."""
    connection.execute("PRAGMA query_only = OFF")
    try:
        yield connection
    finally:
        connection.execute("PRAGMA query_only = ON")


def attended(connection: Database, work: Callable[[], T], pulse: Pulse) -> T:
    """Do `work` on the connection while `pulse` is asked; when it raises, the statement is interrupted and rolled back.

    The work runs in a second thread, because SQLite calls a progress handler too rarely in an integrity check (3.40).
    """
    with explained(connection.path), ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        try:
            while not wait([future], _POLL).done:
                pulse()
        except MainstayError:
            while not wait([future], _POLL).done:
                connection.interrupt()
            raise
        return future.result()


@contextmanager
def explained(path: Path, needed: Size | None = None) -> Iterator[None]:
    """Turn SQLite's errors into ours; `needed` is what the act writes at most, for the one about a full disk."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        if name.startswith("SQLITE_FULL"):
            raise _full(str(error), path, needed) from error
        raise _explanation(name, str(error), path) from error


def scalar(connection: sqlite3.Connection, sql: str) -> int:
    """Return the one number that a query yields."""
    value: int = connection.execute(sql).fetchone()[0]
    return value


def identifier(name: str) -> str:
    """Quote a name for SQL (https://sqlite.org/lang_keywords.html)."""
    return '"' + name.replace('"', '""') + '"'


def _full(text: str, path: Path, needed: Size | None) -> MainstayError:
    have, needs = room(path.parent), needed or Size(2 * path.stat().st_size)  # a change may rewrite the file, by way of its log
    because = f"{text}: needs up to {needs}, {have.free} and {have.inodes_free} inodes are free"
    return StepFailed("no space left", on=str(path), because=because, next=f"free space below {path.parent}")


def _explanation(name: str, text: str, path: Path) -> MainstayError:
    on, folder = str(path), path.parent
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        next = "look for a long transaction of the application, or raise busy_timeout"
        return Unreachable("the database is locked", on=on, because=text, next=next)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        next = f"SQLite needs to write {path.name} and beside it: check owner and mode of {folder}"
        return Unreachable("the database cannot be opened for writing", on=on, because=text, next=next)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StepFailed("the database is damaged", on=on, because=text, next="stop the application and restore a proven backup")
    return StepFailed("SQLite failed", on=on, because=f"{name} {text}".strip())


def _require_header(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            head = file.read(len(MAGIC))
    except OSError as error:
        next = f"check `path`; owner and mode: ls -l {path}"
        raise Unreachable(
            "the database file cannot be read", on=str(path), because=os.strerror(error.errno or 0), next=next
        ) from error
    if head != MAGIC:
        because = "it is empty" if not head else f"it begins with {head[:8]!r}"
        raise Unreachable("this is not a SQLite database", on=str(path), because=because, next="check `path`")


def _text(content: bytes) -> str:
    """Keep text that is not UTF-8 as it is, so that it can be compared."""
    return content.decode("utf-8", "surrogateescape")
