"""How large databases and tables are, and how fast they grow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres import facts as table_facts
from mainstay.kinds.postgres.rows import Database, Identity, Table
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Share, Size
from mainstay.system import clock

_WEEK = timedelta(days=7)
_FAR = timedelta(days=14)  # how far back a week may be looked for
_TOP = 50


@dataclass(frozen=True)
class SizeParams:
    """What growth stands out."""

    growth: Annotated[Share, Setting("growth within a week, relative to the size before", ge=0, example="50%")] = Share(0.5)
    min_growth: Annotated[Size, Setting("smaller growth does not stand out", ge=0, example="1GB")] = Size(1_000_000_000)


@dataclass(frozen=True)
class Sized:
    """One database or table: its bytes now, and what it had about a week ago (`then`, `ago`; None where that is not known)."""

    name: str
    size: Size
    then: Size | None = None
    ago: Duration | None = None

    @property
    def grown(self) -> Size:
        """Bytes that it has more than then."""
        return Size(self.size - self.then) if self.then is not None else Size(0)


@dataclass(frozen=True)
class SizeFacts:
    """The databases and the largest tables with their parts; names are those of the figures in the history."""

    at: datetime
    settings: PostgresSettings
    server: Identity
    sized: tuple[Sized, ...]
    parts: tuple[Figure, ...]


class Sizes(TaskKind[SizeFacts, SizeParams]):
    """Bytes into the history, and what has grown within a week."""

    name = "sizes"
    summary = "bytes of databases and of the largest tables, and what has grown since last week"
    task_class = TaskClass.CHECK
    facts = SizeFacts
    params = SizeParams

    def observe(self, session: Session, on: On | None = None) -> SizeFacts:
        """Measure, and look up what was measured a week ago."""
        server, now = session.connection, clock.now()
        tables = sorted(server.everywhere(Table), key=lambda one: one.total, reverse=True)[:_TOP]
        sizes = [*_databases(server.read(Database)), *((f"table {'.'.join(one.on[1:])}", one.total) for one in tables)]
        past = session.history(now - _FAR, [name for name, _ in sizes])
        week_ago = {name: _nearest(one.points, now - _WEEK) for name, one in past.items()}
        sized = tuple(_sized(name, size, week_ago.get(name), now) for name, size in sizes)
        return SizeFacts(now, session.target.settings, server.identity(), sized, tuple(table_facts.sizes(tables)))

    def assess(self, facts: SizeFacts, params: SizeParams) -> list[Finding]:
        """Name what has grown most."""
        grown = sorted(facts.sized, key=lambda one: -one.grown)
        return [_finding(one, params) for one in grown if one.grown > 0] or [_still(facts)]

    def figures(self, facts: SizeFacts) -> Iterable[Figure]:
        """Every size."""
        return [*(Figure(one.name, one.size, "B") for one in facts.sized), *facts.parts]


def _databases(found: Iterable[Database]) -> Iterator[tuple[str, Size]]:
    largest = sorted((one for one in found if one.allowed), key=lambda one: -one.size)[:_TOP]
    yield from ((f"database {one.name}", one.size) for one in largest)


def _nearest(points: list[tuple[datetime, float]], to: datetime) -> tuple[datetime, float] | None:
    """Return the value nearest to a moment, if it is not of today."""
    old = [point for point in points if point[0] < to + _WEEK - timedelta(days=1)]
    return min(old, key=lambda point: abs(point[0] - to), default=None)


def _sized(name: str, size: Size, then: tuple[datetime, float] | None, now: datetime) -> Sized:
    if then is None:
        return Sized(name, size)
    return Sized(name, size, Size(round(then[1])), Duration((now - then[0]).total_seconds()))


def _finding(one: Sized, params: SizeParams) -> Finding:
    share = Share(one.grown / one.then if one.then else 1)
    told = f"{one.size}, {one.then} {one.ago} ago"
    if share > params.growth and one.grown > params.min_growth:
        reason = because("growth", share, ">", params.growth, "growth")
        return Finding(Level.WARNING, one.name, reason, f"{told}: look for what writes, and for what is never deleted")
    return Finding(Level.OK, one.name, because("growth", one.grown), told)


def _still(facts: SizeFacts) -> Finding:
    known = any(one.then is not None for one in facts.sized)
    told = "nothing has grown" if known else "nothing to compare with yet: growth is told from the second day on"
    return Finding(Level.OK, "server", because("sizes", len(facts.sized)), told)
