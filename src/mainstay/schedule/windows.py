"""Slots of a window, and which routine another one replaces on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mainstay.model.because import Because, because
from mainstay.model.task import Routine, Site, Window
from mainstay.schedule import rules

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Slot:
    """One occurrence of a window: [start, end), in UTC."""

    window: str
    start: datetime
    end: datetime

    @property
    def key(self) -> str:
        """Name the occurrence by its window and intended UTC time; whoever claims this name first runs it."""
        return occurrence(self.window, self.start)


def occurrence(schedule: str, intended: datetime) -> str:
    """Name an occurrence of a schedule by its intended time, so that it can be claimed once."""
    return f"{schedule}@{intended.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def slot_at(window: Window, at: datetime, tz: ZoneInfo) -> Slot | None:
    """Return the slot that contains an instant, the latest one where slots overlap, or None."""
    length = timedelta(seconds=window.length)
    started = list(rules.parse(window.rule).between(at - length + _INSTANT, at + _INSTANT, tz))
    return _slot(window, started[-1]) if started else None


def next_slot(window: Window, after: datetime, tz: ZoneInfo) -> Slot:
    """Return the first slot that begins later than `after`."""
    return _slot(window, rules.parse(window.rule).next(after, tz))


def superseded(routine: Routine, site: Site, day: date) -> Because | None:
    """Return why a routine is left out on a local day: another one that replaces it is due on that day."""
    for other in site.routines.values():
        if routine.name in other.replaces and other.window in site.windows:
            due = _due(site.windows[other.window], day, ZoneInfo(site.timezone))
            if due is not None:
                return because(f"{other.name} replaces {routine.name}, and is due", f"{due:%Y-%m-%d %H:%M %Z}").at(other.origin)
    return None


def _due(window: Window, day: date, tz: ZoneInfo) -> datetime | None:
    start, end = (rules.instant(datetime.combine(one, time()), tz) for one in (day, day + timedelta(days=1)))
    return next((due.astimezone(tz) for due in rules.parse(window.rule).between(start, end, tz)), None)


def _slot(window: Window, start: datetime) -> Slot:
    return Slot(window.name, start, start + timedelta(seconds=window.length))
