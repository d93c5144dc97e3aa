"""The emergencies of a span, as a monthly report documents them: how many, how long each was open, and what is left to do."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mainstay.model.because import Level
from mainstay.model.emergency import Emergency, Severity
from mainstay.model.units import Duration
from mainstay.report import marks
from mainstay.report.document import Block, Cell, Entries, Entry, Section, Tile, Tiles, Tone, listed, plural, table
from mainstay.report.quantity import DASH, moment, shown
from mainstay.report.run import Deviation


@dataclass(frozen=True)
class Left:
    """A follow-up that nobody has done yet."""

    number: int
    text: str


@dataclass(frozen=True)
class Incident:
    """One emergency: `lasted` is the time until it was closed, or until now; `left` are the follow-ups that are not done."""

    id: str
    severity: Severity
    reason: str
    opened: datetime
    closed: datetime | None
    lasted: Duration
    resolution: str
    follow_ups: int
    left: tuple[Left, ...]


@dataclass(frozen=True)
class Incidents:
    """The emergencies of a span, those that are still open first; `to_close` is the median time of those closed in it."""

    opened: int = 0
    closed: int = 0
    open: int = 0
    to_close: Duration | None = None
    of: tuple[Incident, ...] = ()


def incidents(known: Sequence[Emergency], since: datetime, until: datetime, now: datetime) -> Incidents:
    """Fold what was open at any time of a span, and what was closed before and still has something left to do."""
    of = [_incident(one, now) for one in known if one.opened < until and (_touches(one, since) or _left(one))]
    closed = [one for one in of if one.closed and since <= one.closed < until]
    return Incidents(
        opened=sum(since <= one.opened < until for one in of),
        closed=len(closed),
        open=sum(one.closed is None for one in of),
        to_close=Duration(statistics.median(one.lasted for one in closed)) if closed else None,
        of=tuple(sorted(of, key=lambda one: (one.closed is not None, -one.opened.timestamp()))),
    )


def deviations(found: Incidents) -> Iterator[Deviation]:
    """Yield what a reader must not miss: what is open, and what was left to do and is not done."""
    for one in found.of:
        if one.closed is None:
            text = f"{one.severity} open for {shown(one.lasted, 's')}: {one.reason}"
            yield Deviation(Level.CRITICAL, one.id, text, f"mainstay emergency show {one.id}")
        elif one.left:
            text = f"{plural(len(one.left), 'follow-up')} of {one.follow_ups} not done: {one.left[0].text}"
            yield Deviation(Level.WARNING, one.id, text, f"mainstay emergency done {one.id} {one.left[0].number}")


def section(found: Incidents, now: datetime) -> Section | None:
    """Lay them out; None without any."""
    if not found.of:
        return None
    left = [(one.id, item) for one in found.of for item in one.left]
    blocks: list[Block] = [_tiles(found, len(left)), _table(found, now)]
    if left:
        blocks.append(_follow_ups(left))
    lede = "The report of each, with its timeline: mainstay emergency report ID --output FILE."
    return Section("Emergencies", tuple(blocks), lede)


def _touches(one: Emergency, since: datetime) -> bool:
    return one.closed is None or one.closed >= since


def _left(one: Emergency) -> tuple[Left, ...]:
    return tuple(Left(item.number, item.text) for item in one.follow_ups if not item.done)


def _incident(one: Emergency, now: datetime) -> Incident:
    return Incident(
        one.id,
        one.severity,
        one.reason,
        one.opened,
        one.closed,
        one.lasted(now),
        one.resolution,
        len(one.follow_ups),
        _left(one),
    )


def _tiles(found: Incidents, left: int) -> Tiles:
    return Tiles(
        (
            Tile("opened", f"{found.opened}"),
            Tile("closed", f"{found.closed}"),
            Tile("still open", f"{found.open}", "", _bad(found.open)),
            Tile("median time to close", shown(found.to_close, "s")),
            Tile("follow-ups not done", f"{left}", "", "warn" if left else "muted"),
        )
    )


def _bad(count: int) -> Tone:
    return "bad" if count else "muted"


def _table(found: Incidents, now: datetime) -> Block:
    rows = [
        (Cell("closed", "good") if one.closed else Cell("open", "bad"), Cell(one.id), Cell(str(one.severity)), Cell(one.reason),
         Cell(moment(one.opened, now)), Cell(shown(one.lasted, "s")),
         Cell(f"{len(one.left)} of {one.follow_ups}" if one.follow_ups else DASH, "warn" if one.left else "muted"))
        for one in found.of
    ]  # fmt: skip
    return table(("", "id", "", "reason", "opened", "#lasted", "#to do"), rows)


def _follow_ups(left: Sequence[tuple[str, Left]]) -> Entries:
    def entry(one: tuple[str, Left]) -> Entry:
        id, item = one
        return Entry(Cell("·", "warn"), item.text, id, marks.told(advice=f"mainstay emergency done {id} {item.number}"))

    return listed(left, entry)
