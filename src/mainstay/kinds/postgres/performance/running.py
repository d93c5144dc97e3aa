"""What clients are running now, and a sample of what they wait for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.postgres import sqltext
from mainstay.model.units import Duration, Share
from mainstay.system import clock

if TYPE_CHECKING:
    from mainstay.kinds.postgres.server import Server

SAMPLES = 20
_EVERY = 0.05  # seconds between two samples
_TOP = 10


@dataclass(frozen=True)
class Running:
    """A statement under way: for how long, and what it waits for (`CPU` when for nothing)."""

    sql: ClassVar[str] = "running"
    extension: ClassVar[str] = ""

    pid: int
    database: str
    role: str
    application: str
    wait: str
    age: Duration
    query: str


@dataclass(frozen=True)
class Wait:
    """What sessions waited for, as a share of all that were seen at work."""

    name: str
    share: Share


@dataclass(frozen=True)
class Sampled:
    """A second of the server's life: how many sessions were at work on average, on what, and what they waited for."""

    active: float
    waits: tuple[Wait, ...]
    longest: tuple[Running, ...]


def running(server: Server) -> tuple[Running, ...]:
    """Return the statements under way, the oldest first, fit to be shown."""
    return tuple(replace(one, query=sqltext.shown(one.query)) for one in server.read(Running))


def sampled(server: Server) -> Sampled:
    """Look SAMPLES times within a second."""
    seen: list[Running] = []
    for _ in range(SAMPLES):
        seen += server.read(Running)
        clock.sleep(_EVERY)
    return summed(seen)


def summed(seen: list[Running]) -> Sampled:
    """Count what was seen in SAMPLES looks; of each statement of a session the longest age is kept."""
    counted = Counter(one.wait for one in seen).most_common(_TOP)
    waits = tuple(Wait(name, Share(count / len(seen))) for name, count in counted)
    oldest = {(one.pid, one.query): one for one in sorted(seen, key=lambda one: one.age)}
    longest = sorted(oldest.values(), key=lambda one: -one.age)[:_TOP]
    return Sampled(len(seen) / SAMPLES, waits, tuple(replace(one, query=sqltext.shown(one.query)) for one in longest))
