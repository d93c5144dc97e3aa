"""The only clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mainstay.model.errors import DeadlinePassed
from mainstay.model.units import Duration


def now() -> datetime:
    """Return the wall-clock time, in UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that never go back, valid until the next boot."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def boot_id() -> str:
    """Return the kernel's name for this boot, so that monotonic times of another boot are recognised."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@dataclass(frozen=True)
class Deadline:
    """The moment by which something must be over."""

    allowed: Duration
    began: float = field(default_factory=monotonic)

    @property
    def left(self) -> Duration:
        """Seconds that are left; 0 when it has passed."""
        return Duration(max(0.0, self.began + self.allowed - monotonic()))

    def check(self, what: str, on: str = "") -> None:
        """Raise DeadlinePassed when nothing is left."""
        if not self.left:
            raise DeadlinePassed(
                what,
                on=on,
                because=f"not done within {self.allowed}",
                next="look at its progress, then raise its deadline or budget",
            )
