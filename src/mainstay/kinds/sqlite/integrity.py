"""Is every page and index of the database sound."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.sqlite.database import attended
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import Impact, On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock

_SHOWN = 100  # problems that are kept


@dataclass(frozen=True)
class IntegrityFacts:
    """What SQLite's own check said: the problems, and rows that break a foreign key by table."""

    at: datetime
    took: Duration
    problems: tuple[str, ...] = ()
    orphans: dict[str, int] | None = None


class Integrity(TaskKind[IntegrityFacts, NoParams]):
    """`PRAGMA integrity_check`: everything, indexes against tables included."""

    name = "integrity"
    summary = "full integrity check, and foreign keys"
    task_class = TaskClass.CHECK
    impact = Impact.LOAD
    facts = IntegrityFacts
    pragma: ClassVar[str] = "integrity_check"

    def observe(self, session: Session, on: On | None = None) -> IntegrityFacts:
        """Read the whole database; in WAL mode its application goes on meanwhile."""
        deadline = clock.Deadline(session.target.settings.max_integrity)
        connection, began = session.connection, clock.monotonic()
        problems, orphans = attended(connection, lambda: self._look(connection), lambda: session.pulse(deadline))
        return IntegrityFacts(clock.now(), Duration(clock.monotonic() - began), problems, orphans)

    def assess(self, facts: IntegrityFacts, params: NoParams) -> list[Finding]:
        """One finding for each problem."""
        advice = "keep a copy of the file, then restore a proven backup"
        found = [Finding(Level.CRITICAL, "database", because(self.pragma, problem), advice) for problem in facts.problems]
        for table, rows in sorted((facts.orphans or {}).items()):
            reason = because("rows that break a foreign key", rows, ">", 0)
            found.append(Finding(Level.WARNING, table, reason, f"look at PRAGMA foreign_key_check({table})"))
        return found or [Finding(Level.OK, "database", because(self.pragma, "ok"))]

    def _look(self, connection: sqlite3.Connection) -> tuple[tuple[str, ...], dict[str, int]]:
        problems = check_pages(connection, self.pragma)
        try:
            return problems, dict(Counter(str(row[0]) for row in connection.execute("PRAGMA foreign_key_check")))
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise
            return (*problems, str(error)), {}


class QuickCheck(Integrity):
    """`PRAGMA quick_check`: as integrity, but without comparing indexes with their tables."""

    name = "quick_check"
    summary = "integrity check without indexes, and foreign keys"
    pragma = "quick_check"


def check_pages(connection: sqlite3.Connection, pragma: str = "integrity_check") -> tuple[str, ...]:
    """Return the problems that SQLite finds; a file too damaged to be checked is a problem too."""
    try:
        lines = [str(row[0]) for row in connection.execute(f"PRAGMA {pragma}({_SHOWN})")]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise
        return (str(error),)
    return () if lines == ["ok"] else tuple(lines)
