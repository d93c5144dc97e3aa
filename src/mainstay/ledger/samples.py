"""Figures over time, and the newest facts of each task, which are `session.last` and what `status` shows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mainstay.ledger import database
from mainstay.model.because import Finding
from mainstay.model.codec import canonical, decode, encode
from mainstay.model.figure import Figure

VERSION = 1


@dataclass(frozen=True)
class Look:
    """The newest observation of a task: its facts as JSON, and what was found."""

    task: str
    at: datetime
    facts: Any
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Series:
    """The history of one figure."""

    name: str
    unit: str
    points: list[tuple[datetime, float]]


_SERIES = "INSERT OR IGNORE INTO series (target, name, unit) VALUES (?, ?, ?)"
_SAMPLE = "INSERT OR REPLACE INTO sample (at, value, series) SELECT ?, ?, id FROM series WHERE target = ? AND name = ?"
_HISTORY = (
    "SELECT name, unit, at, value FROM series JOIN sample ON sample.series = series.id"
    " WHERE target = ? AND at >= ? ORDER BY name, at"
)


class Samples:
    """One connection to `samples.db`."""

    def __init__(self, state: Path) -> None:
        database.prepare(state)
        self._path = state / "samples.db"
        self._connection = database.connect(self._path, "samples", "NORMAL", VERSION)

    def remember(self, look: Look) -> None:
        """Keep the newest look of a task; StepFailed when the disk is full."""
        body = canonical({"facts": encode(look.facts), "findings": encode(look.findings)}).decode()
        row = (look.task, encode(look.at), body)
        try:
            self._connection.execute("INSERT OR REPLACE INTO facts (task, at, body) VALUES (?, ?, ?)", row)
        except sqlite3.OperationalError as error:
            raise database.unwritten(error, self._path, len(body)) from error

    def record(self, target: str, at: datetime, figures: Iterable[Figure]) -> None:
        """Add one value to the history of each figure of a target; StepFailed when the disk is full."""
        rows = [(target, one.name, one.unit, one.value) for one in figures]
        if not rows:
            return
        when = round(at.timestamp() * 1e6)
        try:
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(_SERIES, [row[:3] for row in rows])
                self._connection.executemany(_SAMPLE, [(when, value, target, name) for target, name, _, value in rows])
        except sqlite3.OperationalError as error:
            raise database.unwritten(error, self._path, 64 * len(rows)) from error

    def history(self, target: str, since: datetime | None = None) -> dict[str, Series]:
        """Return the figures of a target by name, oldest value first."""
        begin = round(since.timestamp() * 1e6) if since else 0
        found: dict[str, Series] = {}
        for name, unit, at, value in self._connection.execute(_HISTORY, (target, begin)):
            series = found.setdefault(name, Series(name, unit, []))
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
