"""The sign of life of whoever settles runs again and again: a timer, or the process that keeps schedules."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from mainstay.model.units import Duration, Size
from mainstay.system import files

_NAME = "settled.at"
_LARGEST = Size(1000)
_TOLERANCE = timedelta(seconds=5)  # a clock that was set back a little


def beat(state: Path, now: datetime, every: Duration) -> None:
    """Write down that runs were settled now, and how soon that is to happen again."""
    files.write_atomic(state / _NAME, json.dumps({"at": now.isoformat(), "every": float(every)}).encode())


def alive(state: Path, now: datetime) -> bool:
    """Return whether the newest sign is no older than twice the time that it announced."""
    try:
        found = json.loads(files.read_bounded(state / _NAME, _LARGEST))
        age, every = now - datetime.fromisoformat(found["at"]), float(found["every"])
        return -_TOLERANCE <= age <= timedelta(seconds=2 * every)
    except (OSError, ValueError, KeyError, TypeError):
        return False  # nobody has ever settled, or nobody can tell
