"""The journal: events in one order, each committed to disk before the act that it announces, chained by SHA-256.

The chain shows accidental damage and partial edits. Whoever owns the file can rewrite all of it; that is why the head is
printed elsewhere (reports, notices, backup manifests) and `verify` can be asked to find it again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.ledger import database
from mainstay.ledger.events import Event
from mainstay.model.codec import canonical, encode
from mainstay.model.errors import MainstayError, Refused
from mainstay.system import clock

VERSION = 1
GENESIS = "0" * 64
_COLUMNS = "seq, at, kind, run, task, body, hash"


class Broken(MainstayError):
    """The chain does not hold."""


class Fenced(MainstayError):
    """Another process has adopted the run; this one writes no more."""


class Journal:
    """One connection to `journal.db`, safe to share between the threads of a process."""

    def __init__(self, state: Path) -> None:
        database.prepare(state)
        self.path = state / "journal.db"
        self._connection = database.connect(self.path, "journal", "FULL", VERSION)
        self._lock = threading.Lock()

    def append(self, kind: str, body: dict[str, Any], *, run: str = "", task: str = "", fence: int = 0) -> Event:
        """Commit one event. With `fence`, refuse unless that is still the run's newest adoption.

        Raises Refused for an occurrence that was claimed before, Fenced for a stale fence, StepFailed when the disk is full.
        """
        text = canonical(body).decode()
        with self._lock:
            try:
                with self._connection:  # commits, or rolls back when anything is raised
                    self._connection.execute("BEGIN IMMEDIATE")
                    if fence:
                        self._guard(run, fence)
                    return self._insert(kind, run, task, text)
            except sqlite3.OperationalError as error:
                raise database.unwritten(error, self.path, len(text)) from error

    def events(self, *, run: str = "", kinds: tuple[str, ...] = (), task: str = "", after: int = 0) -> Iterator[Event]:
        """Yield events in order, of one run, of some kinds, of one task."""
        where, values = ["seq > ?"], [str(after)]
        for column, wanted in (("run", run), ("task", task)):
            if wanted:
                where.append(f"{column} = ?")
                values.append(wanted)
        if kinds:
            where.append(f"kind IN ({', '.join('?' * len(kinds))})")
            values += kinds
        yield from self.ask(f"SELECT {_COLUMNS} FROM event WHERE {' AND '.join(where)} ORDER BY seq", *values)

    def ask(self, sql: str, *values: str | int) -> list[Event]:
        """Return the events that a query over all columns of `event` selects."""
        with self._lock:
            rows = self._connection.execute(sql, values).fetchall()
        return [_event(row) for row in rows]

    def exists(self, run: str, kind: str) -> bool:
        """Return whether a run has an event of that kind."""
        with self._lock:
            row = self._connection.execute("SELECT 1 FROM event WHERE run = ? AND kind = ? LIMIT 1", (run, kind)).fetchone()
        return row is not None

    def head(self) -> str:
        """Return the hash of the newest event."""
        with self._lock:
            return self._last()[1]

    def newest(self, apart_from: str = "") -> datetime | None:
        """Return the time of the newest event that is not of that run."""
        with self._lock:
            row = self._connection.execute(
                "SELECT at FROM event WHERE run <> ? ORDER BY seq DESC LIMIT 1", (apart_from,)
            ).fetchone()
        return datetime.fromisoformat(row[0]) if row else None

    def verify(self, against: str = "") -> int:
        """Recompute the chain and return the number of events; Broken names the first row that does not hold."""
        previous, expected, found = GENESIS, 0, against in ("", GENESIS)
        for row in self._connection.execute(f"SELECT {_COLUMNS} FROM event ORDER BY seq"):
            expected += 1
            if row[0] != expected or row[6] != chained(previous, row[:6]):
                raise Broken(
                    "the journal was changed",
                    on=f"{self.path}, event {expected}",
                    because="its hash does not follow from the row before",
                )
            previous = row[6]
            found = found or previous == against
        if not found:
            raise Broken("the journal is not the one of that head", on=str(self.path), because=f"no event has the hash {against}")
        return expected

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _insert(self, kind: str, run: str, task: str, text: str) -> Event:
        seq, previous = self._last()
        row = (seq + 1, encode(clock.now()), kind, run, task, text)
        hash = chained(previous, row)
        try:
            self._connection.execute(f"INSERT INTO event ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, hash))
        except sqlite3.IntegrityError as error:
            raise Refused(
                "this occurrence was claimed before", on=run, because=str(error), next="nothing: the other run does it"
            ) from error
        return _event((*row, hash))

    def _last(self) -> tuple[int, str]:
        return self._connection.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone() or (0, GENESIS)

    def _guard(self, run: str, fence: int) -> None:
        sql = "SELECT seq FROM event WHERE run = ? AND kind = 'run.adopted' ORDER BY seq DESC LIMIT 1"
        row = self._connection.execute(sql, (run,)).fetchone()
        if row is None or row[0] != fence:
            raise Fenced(
                "this process no longer owns the run",
                on=run,
                because=f"it was adopted anew (fence {row and row[0]}, mine {fence})",
            )


def chained(previous: str, row: tuple[Any, ...]) -> str:
    """Return the hash of a row: SHA-256 over the previous hash and the canonical form of its columns."""
    return hashlib.sha256(previous.encode() + canonical(list(row))).hexdigest()


def _event(row: tuple[Any, ...]) -> Event:
    return Event(row[0], datetime.fromisoformat(row[1]), row[2], row[3], row[4], json.loads(row[5]), row[6])
