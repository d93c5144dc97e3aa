"""The calendar of a site: the slots of its routines, those that people announced, what blackouts move, and who has a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from mainstay.model.because import Because, because
from mainstay.model.plan import Impact
from mainstay.model.task import Routine, Site, Slot, Window
from mainstay.schedule import rules
from mainstay.schedule.blackouts import Span, forbidding, midnight

MOVES = 6  # how often a slot is put off before it stays where it is

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Announced:
    """A slot of a routine that a person announced: [start, end), in UTC."""

    id: str
    routine: str
    start: datetime
    end: datetime
    max_impact: Impact
    by: str
    reason: str

    @property
    def slot(self) -> Slot:
        """Return it as a slot."""
        return Slot(self.id, self.start, self.end, self.max_impact, self.start)


def occurrence(schedule: str, intended: datetime) -> str:
    """Name an occurrence of a schedule by its intended time, so that it can be claimed once."""
    return f"{schedule}@{intended.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True)
class Agenda:
    """A site, and what its calendar depends on besides: blackouts as far as they are known, and announced slots.

    `exempt` tells whether no blackout touches a routine: all that it does is to copy and to look.
    """

    site: Site
    blackouts: tuple[Span, ...] = ()
    announced: tuple[Announced, ...] = ()
    exempt: Callable[[Routine], bool] = lambda _: False

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of the site."""
        return ZoneInfo(self.site.timezone)

    def slots(self, routine: Routine, start: datetime, end: datetime) -> list[Slot]:
        """Return the slots of a routine that begin in [start, end), sorted; none is there twice."""
        window = self.site.windows.get(routine.window)
        regular = self._regular(routine, window, start, end) if window else ()
        announced = (one.slot for one in self.announced if one.routine == routine.name and start <= one.start < end)
        return sorted({slot.start: slot for slot in (*regular, *announced)}.values(), key=lambda slot: slot.start)

    def at(self, routine: Routine, moment: datetime) -> Slot | None:
        """Return the slot of a routine that contains a moment, the latest one where slots overlap, or None."""
        window = self.site.windows.get(routine.window)
        ends = [one.end - one.start for one in self.announced if one.routine == routine.name]
        longest = max([timedelta(seconds=window.length)] if window else [], default=timedelta(0))
        found = self.slots(routine, moment - max([longest, *ends]), moment + _INSTANT)
        return next((slot for slot in reversed(found) if slot.end > moment), None)

    def following(self, routine: Routine, after: datetime) -> Slot | None:
        """Return the first slot of a routine that begins later than `after`, or None."""
        window = self.site.windows.get(routine.window)
        ends = [one.start for one in self.announced if one.routine == routine.name]
        if window:
            ends.append(rules.parse(window.rule).next(after, self.zone) + _reach(window))
        found = self.slots(routine, after + _INSTANT, max(ends, default=after) + _INSTANT)
        return found[0] if found else None

    def replaced(self, routine: Routine, slot: Slot) -> Because | None:
        """Return why a slot is left out: another routine that replaces this one is due on its day. An announced slot never is."""
        if slot.window not in self.site.windows:
            return None
        day = slot.start.astimezone(self.zone).date()
        for other in self.site.routines.values():
            if routine.name in other.replaces and (due := self._due(other, day)):
                return because(f"{other.name} replaces {routine.name}, and is due", f"{due:%Y-%m-%d %H:%M %Z}").at(other.origin)
        return None

    def forbidding(self, routine: Routine, slot: Slot) -> Span | None:
        """Return the blackout that keeps a slot from doing what its window allows, or None."""
        found = forbidding(self.blackouts, slot.start, slot.end, slot.max_impact)
        return None if found and self.exempt(routine) else found

    def _due(self, routine: Routine, day: date) -> datetime | None:
        found = self.slots(routine, midnight(day, self.zone), midnight(day + timedelta(days=1), self.zone))
        return found[0].start.astimezone(self.zone) if found else None

    def _regular(self, routine: Routine, window: Window, start: datetime, end: datetime) -> Iterator[Slot]:
        for due in rules.parse(window.rule).between(start - _reach(window), end, self.zone):
            slot = self._moved(routine, window, due)
            if start <= slot.start < end:
                yield slot

    def _moved(self, routine: Routine, window: Window, due: datetime) -> Slot:
        """Return the slot of a due time, put off as its window says until no blackout is in its way."""
        first = _slot(window, due, due)
        if not window.postpone or not self.forbidding(routine, first):
            return first
        local = due.astimezone(self.zone).replace(tzinfo=None)
        for times in range(1, MOVES + 1):
            start = rules.instant(local + times * timedelta(seconds=window.postpone), self.zone)
            if not self.forbidding(routine, later := _slot(window, start, due)):
                return later
        return first


def _slot(window: Window, start: datetime, due: datetime) -> Slot:
    return Slot(window.name, start, start + timedelta(seconds=window.length), window.max_impact, due, window.origin)


def _reach(window: Window) -> timedelta:
    """Return how far a slot of a window may be moved, and an hour for a change of the clock."""
    return MOVES * timedelta(seconds=window.postpone) + timedelta(hours=1 if window.postpone else 0)
