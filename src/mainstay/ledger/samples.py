"""Figures over time, and the newest facts of each task, which are `session.last` and what `status` shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mainstay.ledger import database
from mainstay.model.because import Finding
from mainstay.model.codec import canonical, decode, encode
from mainstay.model.figure import Figure, Series

VERSION = 2
RAW = timedelta(days=90)


@dataclass(frozen=True)
class Look:
    """The newest observation of a task: its facts as JSON, and what was found."""

    task: str
    at: datetime
    facts: Any
    findings: tuple[Finding, ...] = ()


_SERIES = (
    "INSERT INTO series (target, name, unit, at_most, at_least) VALUES (?, ?, ?, ?, ?) ON CONFLICT (target, name)"
    " DO UPDATE SET unit = excluded.unit, at_most = excluded.at_most, at_least = excluded.at_least"
)
_SAMPLE = "INSERT OR REPLACE INTO sample (at, value, series) SELECT ?, ?, id FROM series WHERE target = ? AND name = ?"


class Samples:
    """One connection to `samples.db`."""

    def __init__(self, state: Path) -> None:
        database.prepare(state)
        self._path = state / "samples.db"
        self._connection = database.connect(self._path, "samples", "NORMAL", VERSION)

    def remember(self, look: Look) -> None:
        """Keep the newest look of a task, where there is room: what is seen while the disk is full is told, if not remembered."""
        body = canonical({"facts": encode(look.facts), "findings": encode(look.findings)}).decode()
        row = (look.task, encode(look.at), body)
        try:
            self._connection.execute("INSERT OR REPLACE INTO facts (task, at, body) VALUES (?, ?, ?)", row)
        except sqlite3.OperationalError as error:
            if not database.is_full(error, self._path):
                raise database.unwritten(error, self._path, len(body)) from error

    def record(self, target: str, at: datetime, figures: Iterable[Figure]) -> None:
        """Add one value to the history of each figure of a target. Values of more than RAW days ago become the mean of each day.

        A full disk costs these values and nothing else: they belong to something that has happened, and are no evidence of it.
        """
        series, samples = [], []
        for one in figures:
            series.append((target, one.name, one.unit, one.at_most, one.at_least))
            samples.append((_microseconds(at), one.value, target, one.name))
        if not samples:
            return
        old = (_microseconds((at - RAW).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)),)
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(_SERIES, series)
                self._connection.executemany(_SAMPLE, samples)
                self._connection.execute(database.query("roll_up"), old)
                self._connection.execute(database.query("rolled_up"), old)
        except sqlite3.OperationalError as error:
            if not database.is_full(error, self._path):
                raise database.unwritten(error, self._path, 64 * len(samples)) from error

    def history(self, target: str, since: datetime | None = None, names: Iterable[str] | None = None) -> dict[str, Series]:
        """Return figures of a target by name, all of them without `names`, oldest value first."""
        found: dict[str, Series] = {}
        asked = (target, _microseconds(since) if since else 0, None if names is None else json.dumps(list(names)))
        rows = self._connection.execute(database.query("history"), asked)
        for name, unit, at_most, at_least, at, value in rows:
            series = found.setdefault(name, Series(name, unit, [], at_most, at_least))
            series.points.append((datetime.fromtimestamp(at / 1e6, UTC), value))
        return found

    def last(self, task: str) -> Look | None:
        """Return the newest look of a task."""
        row = self._connection.execute("SELECT at, body FROM facts WHERE task = ?", (task,)).fetchone()
        if row is None:
            return None
        body = json.loads(row[1])
        return Look(task, datetime.fromisoformat(row[0]), body["facts"], decode(tuple[Finding, ...], body["findings"]))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _microseconds(at: datetime) -> int:
    return round(at.timestamp() * 1e6)
