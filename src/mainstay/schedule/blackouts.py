"""Blackouts: when nothing may be done that people would notice. What the configuration says comes in, spans of time come out.

    "07-01"                     that day of every year         "12-20..01-06"             each year, both days included
    "2026-11-02"                that day                       "2026-11-02..2026-11-09"   once

Days are local ones, from midnight to midnight. `before` and `after` make every span longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mainstay.model.because import Because, because
from mainstay.model.plan import Impact
from mainstay.model.target import Origin
from mainstay.model.task import Blackout
from mainstay.schedule import rules

_DAY = timedelta(days=1)
_DATES = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)(?:\.\.(?:(\d{4})-)?(\d\d)-(\d\d))?")
_LEAP = 2000  # has every day that a year can have

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True)
class Span:
    """[start, end), in UTC, in which nothing harder than `max_impact` may be done."""

    name: str
    start: datetime
    end: datetime
    max_impact: Impact = Impact.NONE
    reason: str = ""
    origin: Origin | None = None

    def because(self, tz: ZoneInfo) -> Because:
        """Say what it is and how long it lasts."""
        name = f"blackout {self.name} ({self.reason})" if self.reason else f"blackout {self.name}"
        start, end = self.start.astimezone(tz), self.end.astimezone(tz)
        return because(name, f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M %Z}").at(self.origin)


@dataclass(frozen=True)
class Dates:
    """A range of local days, both included; without years it comes back every year."""

    first: tuple[int, int]  # month, day
    last: tuple[int, int]
    years: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse a range that ends before it begins."""
        if self.years and (self.years[0], *self.first) > (self.years[1], *self.last):
            raise ValueError("it ends before it begins")

    def between(self, start: datetime, end: datetime, tz: ZoneInfo) -> Iterator[Stretch]:
        """Yield the stretches that overlap [start, end)."""
        over = int(self.last < self.first)  # across the turn of the year
        known = [self.years] if self.years else [(year, year + over) for year in range(start.year - 2, end.year + 2)]
        for first, last in known:
            found = midnight(_day(first, *self.first), tz), midnight(_day(last, *self.last) + _DAY, tz)
            if found[0] < end and found[1] > start:
                yield found


def parse_dates(text: str) -> Dates:
    """Read a date or a range of dates; ValueError says what is wrong."""
    match = _DATES.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date or a range of dates: write '07-01', '12-20..01-06' or '2026-11-02..2026-11-09'")
    year, month, day, last_year, last_month, last_day = (int(part) if part else None for part in match.groups())
    if bool(year) != bool(last_year) and last_month:
        raise ValueError(f"{text!r}: write the year in both dates, or in none")
    first, last = (month or 0, day or 0), (last_month or month or 0, last_day or day or 0)
    for name, (of, number) in (("begins", first), ("ends", last)):
        if not _is_day(_LEAP if not year else (year if name == "begins" else last_year or year), of, number):
            raise ValueError(f"{text!r} {name} on a day that is not there")
    return Dates(first, last, (year, last_year or year) if year else None)


def spans(blackout: Blackout, stretches: Iterable[Stretch]) -> Iterator[Span]:
    """Yield what a blackout makes of the stretches that it stands for."""
    before, after = timedelta(seconds=blackout.before), timedelta(seconds=blackout.after)
    for start, end in stretches:
        yield Span(blackout.name, start - before, end + after, blackout.max_impact, blackout.reason, blackout.origin)


def calendar(blackout: Blackout, start: datetime, end: datetime, tz: ZoneInfo) -> Iterator[Stretch]:
    """Yield the stretches of a blackout that is a date, a range of dates or a rule, as far as they matter in [start, end)."""
    reach = timedelta(seconds=max(blackout.before, blackout.after))
    if blackout.on:
        yield from parse_dates(blackout.on).between(start - reach, end + reach, tz)
    elif blackout.rule:
        length = timedelta(seconds=blackout.length)
        for due in rules.parse(blackout.rule).between(start - reach - length, end + reach, tz):
            yield due, due + length


def forbidding(known: Iterable[Span], start: datetime, end: datetime, impact: Impact) -> Span | None:
    """Return the first blackout in [start, end) that forbids an impact, or None."""
    found = (one for one in known if one.start < end and one.end > start and impact > one.max_impact)
    return min(found, key=lambda one: (one.start, one.end), default=None)


def midnight(day: date, tz: ZoneInfo) -> datetime:
    """Return the instant at which a local day begins, in UTC."""
    return rules.instant(datetime.combine(day, time()), tz)


def _day(year: int, month: int, day: int) -> date:
    """Return a day; 29 February is 28 February where there is none."""
    return date(year, month, day) if _is_day(year, month, day) else date(year, month, day - 1)


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
