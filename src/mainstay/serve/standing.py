"""How a service stands, for those who only read: a small file that it keeps, and the lock that says that it lives."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mainstay.model.units import Size
from mainstay.system import locks
from mainstay.system.files import read_bounded, write_atomic

LOCK = "serve"
_MOST = Size(100_000)


@dataclass(frozen=True)
class Standing:
    """A service: whether it lives, since when, its last sign of life, and what keeps it from its work."""

    alive: bool
    since: datetime
    seen: datetime
    trouble: tuple[str, ...] = ()


def file(state: Path) -> Path:
    """Return where it is kept."""
    return state / "serve.json"


def write(state: Path, since: datetime, trouble: list[str]) -> None:
    """Keep how the service stands from now on."""
    write_atomic(file(state), json.dumps({"since": since.isoformat(), "trouble": trouble}).encode())


def sign_of_life(state: Path) -> None:
    """Say that it is at work: that is the time of the file, so that it costs no room on a full disk."""
    os.utime(file(state))


def read(state: Path) -> Standing | None:
    """Return how the service stands, or None when there never was one."""
    path = file(state)
    try:
        kept: dict[str, Any] = json.loads(read_bounded(path, _MOST))
        seen = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (FileNotFoundError, ValueError):
        return None
    alive = locks.is_held(state / "locks", LOCK)
    return Standing(alive, datetime.fromisoformat(kept["since"]), seen, tuple(kept["trouble"]))
