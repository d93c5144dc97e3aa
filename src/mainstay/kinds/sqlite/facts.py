"""What one look at a database shows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mainstay.kinds.kind import Session
from mainstay.kinds.sqlite.content import schema_digest
from mainstay.kinds.sqlite.database import explained, scalar
from mainstay.kinds.sqlite.settings import SqliteSettings
from mainstay.model.units import Share, Size
from mainstay.system import clock

_AUTO_VACUUM = {0: "none", 1: "full", 2: "incremental"}


@dataclass(frozen=True)
class DatabaseFacts:
    """The size and shape of a database. `damage` says why its schema could not be read."""

    at: datetime
    settings: SqliteSettings  # the limits
    page_size: Size
    pages: int
    free_pages: int
    journal_mode: str
    wal: Size  # bytes of the write-ahead log
    auto_vacuum: str
    schema: str  # digest
    user_version: int
    damage: str = ""

    @property
    def size(self) -> Size:
        """Bytes of the database, without its write-ahead log."""
        return Size(self.page_size * self.pages)

    @property
    def live(self) -> Size:
        """Bytes of the pages in use."""
        return Size(self.page_size * (self.pages - self.free_pages))

    @property
    def free_share(self) -> Share:
        """The share of pages that hold nothing."""
        return Share(self.free_pages / self.pages if self.pages else 0)


def look(session: Session) -> DatabaseFacts:
    """Observe the database of a session; nothing is read but a few pages."""
    connection, settings = session.connection, session.target.settings
    with explained(settings.path):
        return _facts(connection, settings)


def _facts(connection: sqlite3.Connection, settings: SqliteSettings) -> DatabaseFacts:
    schema, damage = _schema(connection)
    return DatabaseFacts(
        at=clock.now(),
        settings=settings,
        page_size=Size(scalar(connection, "PRAGMA page_size")),
        pages=scalar(connection, "PRAGMA page_count"),
        free_pages=scalar(connection, "PRAGMA freelist_count"),
        journal_mode=str(scalar(connection, "PRAGMA journal_mode")),
        wal=_size(Path(f"{settings.path}-wal")),
        auto_vacuum=_AUTO_VACUUM[scalar(connection, "PRAGMA auto_vacuum")],
        schema=schema,
        user_version=scalar(connection, "PRAGMA user_version"),
        damage=damage,
    )


def _schema(connection: sqlite3.Connection) -> tuple[str, str]:
    try:
        return schema_digest(connection), ""
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        return "", str(error)


def _size(path: Path) -> Size:
    return Size(path.stat().st_size if path.exists() else 0)
