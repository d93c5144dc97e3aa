"""The outbox: a file of its own beside the journal, in which every notice stays until each of its lanes has it.

A notice and how far the journal was read are one commit, so an event is turned into notices once, or again after a crash with
the same result. What is recorded as sent was taken by the server before; a crash between the two sends it again, with the
same name.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mainstay.ledger import database
from mainstay.model.codec import decode, encode
from mainstay.model.errors import Refused
from mainstay.model.notice import Delivery, Lane, Notice

VERSION = 1
KEPT = timedelta(days=90)  # what was delivered is forgotten then
_ROWS = """SELECT number, channel, recipient, body, state, attempts, due, because, ended
FROM delivery JOIN notice USING (number) """


class Outbox:
    """One connection to `outbox.db`, safe to share between the threads of a process."""

    def __init__(self, state: Path) -> None:
        database.prepare(state)
        self.path = path_of(state)
        self._lock = threading.Lock()
        try:
            self._connection = database.connect(self.path, "outbox", "FULL", VERSION)
        except database.Torn as error:
            next = f"move {self.path} away: the notices of the last day are sent again"
            raise Refused("the outbox is damaged", on=str(self.path), because=error.because, next=next) from error
        self._connection.execute("PRAGMA foreign_keys = ON")

    def reached(self) -> int | None:
        """Return the newest event whose notices are here; None in a new outbox."""
        rows = self._ask("SELECT seq FROM reached")
        return rows[0][0] if rows else None

    def add(self, seq: int, found: Iterable[tuple[Notice, Iterable[Lane]]], now: datetime) -> None:
        """Commit the notices of all events up to `seq`; one that is here already is left as it is."""
        changes: list[tuple[str, tuple[Any, ...]]] = []
        for notice, lanes in found:
            body = json.dumps(encode(notice), ensure_ascii=False)
            changes.append(("INSERT OR IGNORE INTO notice (id, at, body) VALUES (?, ?, ?)", (notice.id, encode(notice.at), body)))
            late = notice.until is not None and notice.until <= now
            state, because = ("expired", "nobody delivered it in time") if late else ("owed", "")
            changes += [
                (
                    "INSERT OR IGNORE INTO delivery (number, channel, recipient, state, due, because) "
                    "SELECT number, ?, ?, ?, ?, ? FROM notice WHERE id = ?",
                    (lane.channel, lane.recipient, state, encode(now), because, notice.id),
                )
                for lane in lanes
            ]
        changes.append(("INSERT INTO reached VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET seq = excluded.seq", (seq,)))
        self._write(changes)

    def lanes(self, *, untried: bool = False) -> list[Lane]:
        """Return the lanes in which something is owed, or something that nobody has tried to deliver yet."""
        sql = "SELECT DISTINCT channel, recipient FROM delivery WHERE state = 'owed' AND (attempts = 0 OR NOT ?)"
        return [Lane(*row) for row in self._ask(sql, untried)]

    def owed(self, lane: Lane) -> list[Delivery]:
        """Return what is owed in a lane, the oldest first."""
        where = "WHERE state = 'owed' AND channel = ? AND recipient = ? ORDER BY number"
        return self._deliveries(where, lane.channel, lane.recipient)

    def of(self, id: str) -> list[Delivery]:
        """Return how a notice stands in each lane."""
        return self._deliveries("WHERE id = ? ORDER BY channel, recipient", id)

    def ended(self, found: Iterable[Delivery], state: str, now: datetime, because: str = "") -> None:
        """Commit that deliveries are over: sent together, failed or expired; of what was sent, `because` is the answer."""
        sql = "UPDATE delivery SET state = ?, ended = ?, because = ?, attempts = attempts + ?"
        self._write([(sql + _THIS, (state, encode(now), because, int(state != "expired"), *_key(one))) for one in found])

    def later(self, delivery: Delivery, due: datetime, because: str) -> None:
        """Commit that an attempt failed, and when the next one is due."""
        sql = "UPDATE delivery SET attempts = attempts + 1, due = ?, because = ?"
        self._write([(sql + _THIS, (encode(due), because, *_key(delivery)))])

    def sent_since(self, lane: Lane, since: datetime) -> int:
        """Count the messages of a lane since then; what went together has one time."""
        sql = "SELECT count(DISTINCT ended) FROM delivery WHERE state = 'sent' AND channel = ? AND recipient = ? AND ended > ?"
        return int(self._ask(sql, lane.channel, lane.recipient, encode(since))[0][0])

    def all(self) -> list[Delivery]:
        """Return every delivery, in order."""
        return self._deliveries("ORDER BY number, channel, recipient")

    def troubled(self, since: datetime) -> list[Delivery]:
        """Return what is owed, and what has failed since then."""
        return self._deliveries("WHERE state = 'owed' OR (state = 'failed' AND ended > ?) ORDER BY number", encode(since))

    def forget(self, now: datetime) -> None:
        """Remove what was delivered long ago."""
        old = "DELETE FROM notice WHERE at < ? AND number NOT IN (SELECT number FROM delivery WHERE state = 'owed')"
        self._write([(old, (encode(now - KEPT),))])

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _deliveries(self, where: str, *values: Any) -> list[Delivery]:
        return [_delivery(row) for row in self._ask(_ROWS + where, *values)]

    def _ask(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def _write(self, changes: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        """Commit changes together: the only place that writes."""
        try:
            with self._lock, self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                for sql, values in changes:
                    self._connection.execute(sql, values)
        except sqlite3.OperationalError as error:
            raise database.unwritten(error, self.path, 4096) from error


_THIS = " WHERE number = ? AND channel = ? AND recipient = ?"


def path_of(state: Path) -> Path:
    """Return where the outbox of a state folder is."""
    return state / "outbox.db"


def troubles(state: Path, since: datetime) -> list[Delivery]:
    """Return what an outbox owes or has failed at since then; nothing where there is none, or where it is another user's."""
    if not os.access(path_of(state), os.R_OK | os.W_OK):
        return []
    with closing(Outbox(state)) as outbox:
        return outbox.troubled(since)


def _key(delivery: Delivery) -> tuple[int, str, str]:
    return delivery.number, delivery.lane.channel, delivery.lane.recipient


def _delivery(row: tuple[Any, ...]) -> Delivery:
    number, channel, recipient, body, state, attempts, due, because, ended = row
    over = datetime.fromisoformat(ended) if ended else None
    notice = decode(Notice, json.loads(body))
    return Delivery(number, Lane(channel, recipient), notice, state, attempts, datetime.fromisoformat(due), because, over)
