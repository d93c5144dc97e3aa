"""What is to come: the slots of all routines, who has the day, who runs into whom, and what the clock does meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mainstay.model.because import Because
from mainstay.model.task import Routine, Slot, Window
from mainstay.schedule import rules
from mainstay.schedule.agenda import Agenda

_DAY = timedelta(days=1)
_OFTEN = 3  # times a day beyond which a window is no appointment


@dataclass(frozen=True)
class Occurrence:
    """One slot of a routine.

    replaced  why it is left out: another routine has the day
    blackout  the blackout in which it lies: what people would notice waits
    beside    the routines whose slots overlap; all of them run, and wait for each other where they need the same target
    clock     what a change of the clock does to its start, "" when nothing
    """

    routine: str
    slot: Slot
    replaced: Because | None
    blackout: Because | None
    beside: tuple[str, ...]
    clock: str


@dataclass(frozen=True)
class Often:
    """A routine that is due many times a day."""

    routine: str
    rule: str
    next: datetime


def upcoming(agenda: Agenda, start: datetime, end: datetime) -> list[Occurrence]:
    """Return what begins in [start, end), sorted by its beginning; what is due many times a day is left out: see `often`."""
    found = [
        _occurrence(agenda, routine, slot)
        for routine in agenda.site.routines.values()
        if not _is_often(agenda, routine, start)
        for slot in agenda.slots(routine, start, end)
    ]
    found.sort(key=lambda one: (one.slot.start, one.slot.end, one.routine))
    return _meeting(found)


def often(agenda: Agenda, start: datetime) -> list[Often]:
    """Return the routines that are due many times a day."""
    windows = agenda.site.windows
    scheduled = [one for one in agenda.site.routines.values() if _is_often(agenda, one, start)]
    return [Often(one.name, (rule := windows[one.window].rule), rules.parse(rule).next(start, agenda.zone)) for one in scheduled]


def _is_often(agenda: Agenda, routine: Routine, start: datetime) -> bool:
    window = agenda.site.windows.get(routine.window)
    return window is not None and sum(1 for _ in rules.parse(window.rule).between(start, start + _DAY, agenda.zone)) > _OFTEN


def _occurrence(agenda: Agenda, routine: Routine, slot: Slot) -> Occurrence:
    span, window = agenda.forbidding(routine, slot), agenda.site.windows.get(slot.window)
    clock = _clock(window, slot.due.astimezone(agenda.zone)) if window else ""
    return Occurrence(routine.name, slot, agenda.replaced(routine, slot), span.because(agenda.zone) if span else None, (), clock)


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


def _clock(window: Window, local: datetime) -> str:
    """Say what the clock does to a local time that the rule names."""
    rule = rules.parse(window.rule)
    if not isinstance(rule, rules.Calendar):
        return ""
    if local.time() != rule.at:
        return f"the clock leaves out {rule.at:%H:%M}: begins at {local:%H:%M %Z}"
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        return f"{rule.at:%H:%M} comes twice: the first counts"
    return ""
