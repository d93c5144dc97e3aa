"""What a server does in a period: its counters from one look to the next, as rates that can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, TypeVar

from mainstay.model.because import Unit
from mainstay.model.figure import Figure
from mainstay.model.units import Duration, Share, Size

N = TypeVar("N", int, float)
_DAY = 86400


@dataclass(frozen=True)
class Totals:
    """The counters of a server, all databases together; `clock` is seconds since 1970, `io` is 0 without track_io_timing."""

    sql: ClassVar[str] = "work"
    extension: ClassVar[str] = ""

    clock: float
    commits: int
    rollbacks: int
    hits: int  # blocks found in shared buffers
    reads: int
    rows_read: int
    rows_fetched: int
    rows_written: int
    temp: Size
    deadlocks: int
    conflicts: int
    io: Duration
    timed: int  # checkpoints
    requested: int
    wal: Size


@dataclass(frozen=True)
class Scans:
    """How a table was read; hits and reads are blocks, of the table with its TOAST and of its indexes."""

    sql: ClassVar[str] = "scans"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    oid: int
    size: Size
    scans: int
    scanned: int  # rows that sequential scans have read
    lookups: int
    hits: int
    reads: int
    index_hits: int
    index_reads: int

    @property
    def named(self) -> str:
        """Its name for people."""
        return f"{self.database}.{self.schema}.{self.name}"


@dataclass(frozen=True)
class Work:
    """What a server did in a period; rates are per second unless they say otherwise, None where too little happened to say."""

    length: Duration
    cache_hit: Share | None
    commits: float
    rollback_share: Share | None
    rows_read: float
    rows_written: float
    temp_a_day: Size
    deadlocks_a_day: float
    io_share: Share | None  # of the time of one session; None when track_io_timing is off
    checkpoints_a_day: float
    requested_share: Share | None
    wal_a_day: Size


ENOUGH_BLOCKS = 10_000  # before a share of them says anything
_ENOUGH_COMMITS, _ENOUGH_CHECKPOINTS = 100, 4


def work(now: Totals, before: Totals) -> Work:
    """Return what was done between two looks; counters that were reset count from zero."""
    grown = {one.name: _grown(getattr(now, one.name), getattr(before, one.name)) for one in fields(Totals)}
    length = max(grown["clock"], 1.0)
    checkpoints = grown["timed"] + grown["requested"]
    return Work(
        length=Duration(length),
        cache_hit=share(grown["hits"], grown["reads"], ENOUGH_BLOCKS),
        commits=grown["commits"] / length,
        rollback_share=share(grown["rollbacks"], grown["commits"], _ENOUGH_COMMITS),
        rows_read=(grown["rows_read"] + grown["rows_fetched"]) / length,
        rows_written=grown["rows_written"] / length,
        temp_a_day=Size(round(grown["temp"] / length * _DAY)),
        deadlocks_a_day=grown["deadlocks"] / length * _DAY,
        io_share=Share(grown["io"] / length) if now.io else None,
        checkpoints_a_day=checkpoints / length * _DAY,
        requested_share=share(grown["requested"], grown["timed"], _ENOUGH_CHECKPOINTS),
        wal_a_day=Size(round(grown["wal"] / length * _DAY)),
    )


def scanned(now: Iterable[Scans], before: Iterable[Scans]) -> tuple[Scans, ...]:
    """Return how tables were read between two looks; one that was not among those kept says nothing yet."""
    known = {(one.database, one.oid): one for one in before}
    return tuple(_since(one, known[one.database, one.oid]) for one in now if (one.database, one.oid) in known)


def figures(done: Work) -> Iterator[Figure]:
    """Yield each rate that is known."""
    for name, unit in MEASURED.items():
        value = getattr(done, name)
        if value is not None:
            yield Figure(named(name), value, unit)


def named(field: str) -> str:
    """Return the name under which a rate has its history."""
    return f"performance {field.replace('_', ' ')}"


def share(part: float, rest: float, enough: float) -> Share | None:
    """Return a part of a whole, unless the whole is too small to say."""
    return Share(part / (part + rest)) if part + rest >= enough else None


MEASURED: Mapping[str, Unit] = {
    "cache_hit": "share",
    "commits": "",
    "rollback_share": "share",
    "rows_read": "",
    "rows_written": "",
    "temp_a_day": "B",
    "deadlocks_a_day": "",
    "io_share": "share",
    "checkpoints_a_day": "",
    "requested_share": "share",
    "wal_a_day": "B",
}


def _since(now: Scans, before: Scans) -> Scans:
    return replace(
        now,
        scans=_grown(now.scans, before.scans),
        scanned=_grown(now.scanned, before.scanned),
        lookups=_grown(now.lookups, before.lookups),
        hits=_grown(now.hits, before.hits),
        reads=_grown(now.reads, before.reads),
        index_hits=_grown(now.index_hits, before.index_hits),
        index_reads=_grown(now.index_reads, before.index_reads),
    )


def _grown(now: N, before: N) -> N:
    """Return what a counter has grown by; one that was reset counts from zero."""
    return now - before if now >= before else now
