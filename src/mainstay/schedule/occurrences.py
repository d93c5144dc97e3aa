"""What is to come: the slots of all routines, who has the day, who runs into whom, and what the clock does meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.model.because import Because
from mainstay.model.task import Routine, Site, Window
from mainstay.schedule import rules
from mainstay.schedule.windows import Slot, superseded

_DAY = timedelta(days=1)
_OFTEN = 3  # times a day beyond which a window is no appointment


@dataclass(frozen=True)
class Occurrence:
    """One slot of a routine.

    replaced  why it is left out: another routine has the day
    beside    the routines whose slots overlap; all of them run, and wait for each other where they need the same target
    clock     what a change of the clock does to its start, "" when nothing
    """

    routine: str
    slot: Slot
    replaced: Because | None
    beside: tuple[str, ...]
    clock: str


@dataclass(frozen=True)
class Often:
    """A routine that is due many times a day."""

    routine: str
    rule: str
    next: datetime


def upcoming(site: Site, start: datetime, end: datetime) -> list[Occurrence]:
    """Return what begins in [start, end), sorted by its beginning; what is due many times a day is left out: see `often`."""
    tz = ZoneInfo(site.timezone)
    found = [
        occurrence
        for routine, window in _scheduled(site)
        if not _is_often(window, start, tz)
        for occurrence in _of(site, routine, window, start, end)
    ]
    found.sort(key=lambda one: (one.slot.start, one.slot.end, one.routine))
    return _meeting(found)


def often(site: Site, start: datetime) -> list[Often]:
    """Return the routines that are due many times a day."""
    tz = ZoneInfo(site.timezone)
    scheduled = [(routine, window) for routine, window in _scheduled(site) if _is_often(window, start, tz)]
    return [Often(routine.name, window.rule, rules.parse(window.rule).next(start, tz)) for routine, window in scheduled]


def _scheduled(site: Site) -> Iterator[tuple[Routine, Window]]:
    for routine in site.routines.values():
        if routine.window in site.windows:
            yield routine, site.windows[routine.window]


def _is_often(window: Window, start: datetime, tz: ZoneInfo) -> bool:
    return sum(1 for _ in rules.parse(window.rule).between(start, start + _DAY, tz)) > _OFTEN


def _of(site: Site, routine: Routine, window: Window, start: datetime, end: datetime) -> Iterator[Occurrence]:
    rule, tz, length = rules.parse(window.rule), ZoneInfo(site.timezone), timedelta(seconds=window.length)
    for due in rule.between(start, end, tz):
        local = due.astimezone(tz)
        replaced = superseded(routine, site, local.date())
        yield Occurrence(routine.name, Slot(window.name, due, due + length), replaced, (), _clock(rule, local))


def _meeting(found: list[Occurrence]) -> list[Occurrence]:
    """Name for each, in the order of their beginnings, whose slots overlap; a routine that is left out meets nobody."""
    open: list[int] = []
    beside: list[dict[str, None]] = [{} for _ in found]
    for number, one in enumerate(found):
        if one.replaced:
            continue
        open = [other for other in open if found[other].slot.end > one.slot.start]
        for other in open:
            beside[number][found[other].routine] = beside[other][one.routine] = None
        open.append(number)
    return [replace(one, beside=tuple(names)) for one, names in zip(found, beside, strict=True)]


def _clock(rule: rules.Rule, local: datetime) -> str:
    """Say what the clock does to a local time that the rule names."""
    if not isinstance(rule, rules.Calendar):
        return ""
    if local.time() != rule.at:
        return f"the clock leaves out {rule.at:%H:%M}: begins at {local:%H:%M %Z}"
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        return f"{rule.at:%H:%M} comes twice: the first counts"
    return ""
