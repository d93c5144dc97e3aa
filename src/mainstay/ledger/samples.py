"""Figures over time. For now: the newest facts of each task, which are `session.last` and what `status` shows."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.ledger import database
from mainstay.model.because import Finding
from mainstay.model.codec import canonical, decode, encode

VERSION = 1


@dataclass(frozen=True)
class Look:
    """The newest observation of a task: its facts as JSON, and what was found."""

    task: str
    at: datetime
    facts: Any
    findings: tuple[Finding, ...] = ()


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
