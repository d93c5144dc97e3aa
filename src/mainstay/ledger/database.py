"""Open the ledger's SQLite files: local file systems only, migrations forward only, clear words for a torn file."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mainstay.model.errors import MainstayError, Refused, StepFailed, Unreachable
from mainstay.model.units import Size
from mainstay.system.files import NETWORK, filesystem, room

_SQL = Path(__file__).parent / "sql"
BUSY_SECONDS = 10.0
_ROW = 16384  # bytes of pages and WAL frames around one row
FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)


class Torn(MainstayError):
    """A ledger file is damaged; `mainstay ledger repair` saves what the chain proves."""


def prepare(folder: Path) -> None:
    """Make the state folder (mode 0700) and refuse network file systems, where locks and WAL cannot be trusted."""
    try:
        for part in (folder, folder / "locks", folder / "runs"):
            part.mkdir(mode=0o700, parents=part == folder, exist_ok=True)
    except OSError as error:
        because = error.strerror or "cannot be made"
        raise Refused(
            "no state folder", on=str(folder), because=because, next="set `state:` to a folder you may write"
        ) from error
    kind = filesystem(folder)
    if kind in NETWORK:
        raise Refused(
            "the state folder is on a network file system", on=str(folder), because=kind, next="set `state:` to a local disk"
        )


def connect(path: Path, name: str, sync: str, latest: int) -> sqlite3.Connection:
    """Open (or make) a ledger file and bring its schema up to `latest`; Refused when it is newer, Torn when it is damaged."""
    try:
        connection = _opened(path, sync)
        _migrate(connection, path, name, latest)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
            raise Refused(
                "cannot open the ledger", on=str(path), because=str(error), next="look at its owner, mode and disk"
            ) from error
        raise Torn("the ledger is damaged", on=str(path), because=str(error), next="mainstay ledger repair") from error
    return connection


def _opened(path: Path, sync: str) -> sqlite3.Connection:
    """Open for reading and writing; where the disk has no room for that, for reading alone: to see how things stand."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    path.chmod(0o600)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {sync}")
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(f"{path.name}-wal")
        if not is_full(error, path) or not path.stat().st_size or (log.exists() and log.stat().st_size):
            raise
        uri = f"{path.as_uri()}?immutable=1"  # nobody else writes there: what a writer needs found no room either
        return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    return connection


def is_full(error: sqlite3.OperationalError, path: Path) -> bool:
    """Tell whether an error means that the disk is full, also of a file that was opened for reading because of that."""
    return error.sqlite_errorcode in FULL or (error.sqlite_errorcode == sqlite3.SQLITE_READONLY and room(path.parent).free < _ROW)


def unwritten(error: sqlite3.OperationalError, path: Path, needed: int) -> MainstayError:
    """Return what a failed write means: on a full disk StepFailed, which names the bytes needed and free, else Unreachable."""
    what = f"the {path.stem} cannot be written"
    if not is_full(error, path):
        return Unreachable(what, on=str(path), because=str(error), next="mainstay doctor")
    have = room(path.parent)
    because = f"{error}: needs about {Size(needed + _ROW)}, {have.free} and {have.inodes_free} inodes are free"
    next = "free space there, then `mainstay resume RUN`: what was started is looked at and goes on"
    return StepFailed(what, on=str(path), because=because, next=next)


def query(name: str) -> str:
    """Return the text of a shipped .sql file."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _migrate(connection: sqlite3.Connection, path: Path, name: str, latest: int) -> None:
    if _version(connection, path, latest) == latest:
        return
    with connection:
        connection.execute("BEGIN EXCLUSIVE")  # two processes may meet at a new file: look again inside
        for number in range(_version(connection, path, latest) + 1, latest + 1):
            for statement in _statements(query(f"{name}_{number}")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _version(connection: sqlite3.Connection, path: Path, latest: int) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > latest:
        because = f"its schema is version {version}, this program knows {latest}"
        raise Refused(
            "the ledger was written by a newer Mainstay", on=str(path), because=because, next="install that version again"
        )
    return version


def _statements(script: str) -> list[str]:
    """Split a script into statements; sqlite3.complete_statement knows where a trigger ends."""
    found, part = [], ""
    for line in script.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            found.append(part)
            part = ""
    return found
