"""Lead times: the instants before a slot at which people are told of it.

    friday 15:00      the last such local time before the slot
    14d, 2w           so many days before, at the same local time
    24h, 90m          exactly so long before

A local time that the zone skips or repeats is resolved as rules are: see `rules.instant`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mainstay.model.units import Duration
from mainstay.schedule import rules

LONGEST = Duration(90 * 86400)
_DAYS = re.compile(r"(\d{1,3})\s*([dw])")
_WEEKDAY = re.compile(r"([a-z]+)\s+(\d{2}:\d{2})")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


@dataclass(frozen=True)
class Lead:
    """One lead time: a weekday (Monday is 0) and local time, or whole days, or an exact length."""

    text: str
    weekday: int = -1
    at: time = time()
    days: int = 0
    length: timedelta = timedelta()

    def before(self, start: datetime, tz: ZoneInfo) -> datetime:
        """Return the instant before `start`, in UTC."""
        local = start.astimezone(tz)
        if self.weekday >= 0:
            days = (local.weekday() - self.weekday) % 7
            for back in (days, days + 7):
                found = rules.instant(datetime.combine(local.date() - timedelta(days=back), self.at), tz)
                if found < start.astimezone(UTC):
                    break
            return found
        if self.days:
            return rules.instant(local.replace(tzinfo=None, fold=0) - timedelta(days=self.days), tz)
        return start.astimezone(UTC) - self.length


def parse(text: str) -> Lead:
    """Read a lead time; ValueError says which forms are known."""
    known = "write a weekday and a time such as 'friday 15:00', or a length such as 14d or 24h"
    if found := _WEEKDAY.fullmatch(text.strip().lower()):
        if found[1] not in rules.WEEKDAYS:
            raise ValueError(f"{found[1]!r} is not a weekday: {known}")
        return Lead(text, weekday=rules.WEEKDAYS.index(found[1]), at=clock(found[2]))
    try:
        length = Duration.parse(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a lead time: {known}") from None
    if not 0 < length <= LONGEST:
        raise ValueError(f"{text!r} is not between 1s and {LONGEST}")
    if whole := _DAYS.fullmatch(text.strip()):
        return Lead(text, days=int(whole[1]) * (7 if whole[2] == "w" else 1))
    return Lead(text, length=timedelta(seconds=length))


def clock(text: str) -> time:
    """Read a local time of day; ValueError says how it is written."""
    if found := _CLOCK.fullmatch(text.strip()):
        return time(int(found[1]), int(found[2]))
    raise ValueError(f"{text!r} is not a time of day such as 03:00")


def due(leads: Iterable[str], start: datetime, now: datetime, tz: ZoneInfo) -> tuple[Lead, datetime] | None:
    """Return the newest lead time of a slot that has come, with its instant; None before the first, and once the slot began."""
    start, now = start.astimezone(UTC), now.astimezone(UTC)  # times of one zone are compared by what the clock shows
    if now >= start:
        return None
    come = [(instant, lead.text, lead) for lead in map(parse, leads) if (instant := lead.before(start, tz)) <= now]
    newest = max(come, key=lambda one: one[:2], default=None)
    return (newest[2], newest[0]) if newest else None


def within(times: Iterable[str], began: datetime, until: datetime, tz: ZoneInfo) -> list[datetime]:
    """Return the instants of [began, until) at which the clock shows one of the times, in order, each once."""
    first, last = began.astimezone(tz).date(), until.astimezone(tz).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = {rules.instant(datetime.combine(day, clock(text)), tz) for day in days for text in times}
    return sorted(one for one in found if began.astimezone(UTC) <= one < until.astimezone(UTC))
