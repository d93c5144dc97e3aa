"""Signs of life: of whoever settles runs again and again, and the newest call of an address outside that waits for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mainstay.model.units import Duration, Size
from mainstay.system import files

_NAME, _PINGED = "settled.at", "pinged.json"
_LARGEST = Size(1000)
_TOLERANCE = timedelta(seconds=5)  # a clock that was set back a little


@dataclass(frozen=True)
class Pinged:
    """The newest call, and why it failed or was left out; `well` is when the last one was answered."""

    at: datetime
    because: str = ""
    well: datetime | None = None


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


def keep(state: Path, found: Pinged) -> None:
    """Write down how the newest call went."""
    kept = {"at": found.at.isoformat(), "because": found.because, "well": found.well.isoformat() if found.well else None}
    files.write_atomic(state / _PINGED, json.dumps(kept).encode())


def pinged(state: Path) -> Pinged | None:
    """Return how the newest call went, or None when there never was one."""
    try:
        kept = json.loads(files.read_bounded(state / _PINGED, _LARGEST))
        well = datetime.fromisoformat(kept["well"]) if kept["well"] else None
        return Pinged(datetime.fromisoformat(kept["at"]), kept["because"], well)
    except (OSError, ValueError, KeyError, TypeError):
        return None
