"""Save what a damaged journal still proves: the longest beginning whose chain holds."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mainstay.ledger import database
from mainstay.ledger.journal import GENESIS, VERSION, Journal, chained
from mainstay.model.errors import Refused
from mainstay.system import clock
from mainstay.system.files import sync_folder


@dataclass(frozen=True)
class Saved:
    """How many events were saved, and where the damaged file is kept."""

    events: int
    damaged: Path


def repair(state: Path) -> Saved:
    """Build a new journal from the readable beginning, keep the damaged file beside it, and write down that this happened."""
    path = state / "journal.db"
    if not path.exists():
        raise Refused("nothing to repair", on=str(path), because="there is no journal")
    rows = _readable(path)
    spool = state / "journal.db.repaired"
    for leftover in (spool, *_siblings(spool)):
        leftover.unlink(missing_ok=True)
    fresh = database.connect(spool, "journal", "FULL", VERSION)
    with fresh:
        fresh.executemany("INSERT INTO event (seq, at, kind, run, task, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    fresh.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    fresh.close()
    damaged = state / f"journal.db.damaged-{clock.now():%Y%m%dT%H%M%S%fZ}"
    for sibling in _siblings(path):
        if sibling.exists():
            os.rename(sibling, str(damaged) + sibling.name.removeprefix(path.name))
    os.link(path, damaged)  # the damaged file keeps a name at every moment
    os.replace(spool, path)
    sync_folder(state)
    Journal(state).append("ledger.repaired", {"saved": len(rows), "damaged": damaged.name})
    return Saved(len(rows), damaged)


def _siblings(path: Path) -> tuple[Path, Path]:
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def _readable(path: Path) -> list[tuple[Any, ...]]:
    """Read rows in order until one cannot be read or does not follow from the one before."""
    rows: list[tuple[Any, ...]] = []
    previous = GENESIS
    damaged = sqlite3.connect(path)
    damaged.execute("PRAGMA writable_schema = ON")  # or SQLite refuses to read a file that is shorter than it was
    try:
        for row in damaged.execute("SELECT seq, at, kind, run, task, body, hash FROM event ORDER BY seq"):
            if row[0] != len(rows) + 1 or row[6] != chained(previous, row[:6]):
                break
            rows.append(row)
            previous = row[6]
    except sqlite3.DatabaseError:
        return rows  # the tear begins here; what was read before it is whole, its chain says so
    return rows
