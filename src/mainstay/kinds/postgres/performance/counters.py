"""pg_stat_statements from one look to the next: what each statement took in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from mainstay.kinds.postgres import sqltext
from mainstay.model.units import Duration, Size

Kept = tuple[float, ...]  # calls, total, squares, temp, read, io; then calls and total of the newest period that had any
Known = dict[str, Kept]


@dataclass(frozen=True)
class CountedBy:
    """Whether a database has the extension, and for how many statements the server has room: 0 when the library is not loaded."""

    sql: ClassVar[str] = "counted_by"
    extension: ClassVar[str] = ""

    database: str
    installed: bool
    room: int


@dataclass(frozen=True)
class Counting:
    """Since when statements are counted: seconds since 1970 by the server's clock; `reset` is None before version 14."""

    sql: ClassVar[str] = "counting"
    extension: ClassVar[str] = "pg_stat_statements"

    clock: float
    reset: float | None
    evicted: int  # how often the least called statements were pushed out


@dataclass(frozen=True)
class Counters:
    """What one statement of one role in one database has taken since its counters began; `squares` is seconds squared."""

    sql: ClassVar[str] = "statements"
    extension: ClassVar[str] = "pg_stat_statements"

    database: str
    role: str
    key: str  # database, role, query and whether it was called by a client itself
    query: str
    since: float | None  # seconds since 1970; None before version 17
    calls: int
    total: Duration
    squares: float
    temp: Size
    read: Size
    io: Duration

    @property
    def kept(self) -> Kept:
        """The counters alone."""
        return (self.calls, round(self.total, 6), round(self.squares, 9), self.temp, self.read, round(self.io, 6))


@dataclass(frozen=True)
class Spent:
    """What one statement took in a period; `before` is its mean in `calls_before` calls of the period before that.

    `io` is 0 where the server does not measure it (track_io_timing).
    """

    database: str
    role: str
    key: str
    query: str
    calls: int
    total: Duration
    mean: Duration
    deviation: Duration
    temp: Size
    read: Size
    io: Duration
    before: Duration | None = None
    calls_before: int = 0


def spent(rows: Iterable[Counters], known: Mapping[str, Kept], looked: float, reset: float | None) -> list[Spent]:
    """Return what was taken since `looked` by the statements that were called since, when the counters were as `known`.

    A statement counts from its beginning when it was not among those that are kept, when it was pushed out and came back, and
    when somebody has reset the counters. Before version 17 one that was pushed out and has already been called more often than
    before cannot be told from one that stayed.
    """
    found = []
    for row in rows:
        began = row.since if row.since is not None else reset
        before = _comparable(row, known.get(row.key), began is not None and began > looked)
        if row.calls > before[0]:
            found.append(_spent(row, before, known.get(row.key, ())[6:]))
    return found


def remembered(rows: Iterable[Counters], periods: Iterable[Spent], known: Mapping[str, Kept]) -> Known:
    """Return what the next look compares with."""
    newest = {one.key: (float(one.calls), float(one.total)) for one in periods}
    return {row.key: (*row.kept, *(newest.get(row.key) or known.get(row.key, ())[6:])) for row in rows}


def _comparable(row: Counters, was: Kept | None, anew: bool) -> Kept:
    """Return the earlier counters of a statement; zeros when they say nothing about those of now."""
    if was is None or anew or row.calls < was[0] or row.kept[1] < was[1]:
        return (0.0,) * 6
    return was


def _spent(row: Counters, before: Kept, previous: Kept) -> Spent:
    calls, total, squares, temp, read, io = (now - was for now, was in zip(row.kept, before, strict=False))
    mean = total / calls
    return Spent(
        database=row.database,
        role=row.role,
        key=row.key,
        query=sqltext.shown(row.query),
        calls=round(calls),
        total=Duration(total),
        mean=Duration(mean),
        deviation=Duration(max(squares / calls - mean**2, 0.0) ** 0.5),
        temp=Size(round(temp)),
        read=Size(round(read)),
        io=Duration(io),
        before=Duration(previous[1] / previous[0]) if previous else None,
        calls_before=round(previous[0]) if previous else 0,
    )
