"""What is to come, for people and for their calendar programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mainstay.model.phase import PhaseRecord
from mainstay.model.run import RunRecord
from mainstay.model.task import Routine, Site
from mainstay.model.units import Duration
from mainstay.report import phases
from mainstay.report.document import Cell, Document, Paragraph, Section, plural, sections, table
from mainstay.report.quantity import moment
from mainstay.schedule.agenda import occurrence
from mainstay.schedule.blackouts import Span
from mainstay.schedule.occurrences import Occurrence, Often

_REFRESH = timedelta(hours=6)


@dataclass(frozen=True)
class Appointment:
    """One slot of a routine, and the time that the routine is expected to need, rollback and buffer included; None: not known."""

    occurrence: Occurrence
    needed: Duration | None
    phases: tuple[PhaseRecord, ...] = ()

    @property
    def key(self) -> str:
        """Name the slot by its window and intended UTC time; whoever claims this name first runs it."""
        return occurrence(self.occurrence.slot.window, self.occurrence.slot.start)

    @property
    def length(self) -> Duration:
        """Return how long the slot is."""
        slot = self.occurrence.slot
        return Duration((slot.end - slot.start).total_seconds())

    @property
    def fits(self) -> bool | None:
        """Tell whether the slot is long enough; None when nobody knows."""
        return None if self.needed is None else self.needed <= self.length


def document(site: Site, found: Sequence[Appointment], frequent: Sequence[Often], now: datetime, days: int) -> Document:
    """List what is to come, with what is wrong about it."""
    rows = [
        (
            Cell(moment(one.occurrence.slot.start, now)),
            Cell(str(one.length)),
            Cell(one.occurrence.routine),
            _needed(one),
            Cell(one.occurrence.slot.max_impact.name.lower().replace("_", " ")),
            _remark(one),
        )
        for one in found
    ]
    wrong = sum(1 for one in found if _remark(one).tone in ("bad", "warn"))
    badge = Cell(f"{wrong} to look at", "warn") if wrong else Cell(plural(len(found), "slot"), "good" if found else "muted")
    regular = [(Cell(one.routine), Cell(one.rule), Cell(f"{one.next.astimezone(now.tzinfo):%H:%M}")) for one in frequent]
    empty = Paragraph("No routine has a window.", "muted")
    return Document(
        f"Windows of {site.name}",
        badge,
        f"The next {plural(days, 'day')}, in {site.timezone}.",
        sections=sections(
            Section("", (table(("begins", "#length", "routine", "#needs", "at most", "remark"), rows) if rows else empty,)),
            *_phases(site, found, now),
            Section("Many times a day", (table(("routine", "rule", "next"), regular),) if regular else ()),
        ),
    )


def under_way(runs: Sequence[RunRecord], now: datetime) -> tuple[Section, ...]:
    """Draw the phases of the runs that are under way."""
    drawn = [(run, phases.section(phases.lines(run, now), run.began, now)) for run in runs if not run.ended]
    return tuple(replace(one, title=f"Under way: {run.routine}, plan against actual") for run, one in drawn if one)


def _phases(site: Site, found: Sequence[Appointment], now: datetime) -> Iterator[Section]:
    """List the phases of the next slot of each routine that has them."""
    seen: set[str] = set()
    for one in found:
        name = one.occurrence.routine
        if one.phases and not one.occurrence.replaced and name not in seen:
            seen.add(name)
            rows = [_phase(phase, now) for phase in one.phases]
            rows += [_kept(what, length) for what, length in _behind(site.routines[name]) if length]
            heads = ("phase", "begins", "ends", "#budget", "after", "tasks")
            yield Section(f"Phases of {name}, {moment(one.occurrence.slot.start, now)}", (table(heads, rows),))


def _behind(routine: Routine) -> tuple[tuple[str, Duration], ...]:
    """Return what is kept free behind the phases."""
    return (("rollback", routine.rollback), ("buffer", routine.buffer))


def _kept(what: str, length: Duration) -> tuple[Cell, ...]:
    return (Cell(what, "muted"), Cell(""), Cell(""), Cell(str(length)), Cell(""), Cell(""))


def _phase(one: PhaseRecord, now: datetime) -> tuple[Cell, ...]:
    clock = (Cell(f"{at.astimezone(now.tzinfo):%H:%M}") for at in (one.begins, one.ends))
    budget = Duration((one.ends - one.begins).total_seconds())
    return (Cell(one.name), *clock, Cell(str(budget)), Cell(", ".join(one.after), "muted"), Cell(", ".join(one.tasks), "muted"))


def blackouts(site: Site, found: Sequence[Span], now: datetime, days: int) -> Document:
    """List when nothing may be done that people notice."""
    rows = [
        (
            Cell("in force", "warn") if one.start <= now else Cell("to come", "muted"),
            Cell(one.name),
            Cell(moment(one.start, now)),
            Cell(moment(one.end, now)),
            Cell(one.max_impact.name.lower().replace("_", " ")),
            Cell(one.reason),
            Cell(str(one.origin) if one.origin else "added", "muted"),
        )
        for one in found
    ]
    active = sum(one.start <= now for one in found)
    badge = Cell(f"{active} in force", "warn") if active else Cell("none in force", "good")
    heads = ("", "blackout", "from", "to", "at most", "reason", "set by")
    body = table(heads, rows) if rows else Paragraph("There is none.", "muted")
    summary = f"The next {plural(days, 'day')}, in {site.timezone}. Backups and checks go on."
    return Document(f"Blackouts of {site.name}", badge, summary, sections=sections(Section("", (body,))))


def encoded(one: Appointment) -> dict[str, Any]:
    """Return an appointment as `mainstay.windows/1` has it."""
    slot = one.occurrence.slot
    told = {"routine": one.occurrence.routine, "window": slot.window, "key": one.key, "start": slot.start, "end": slot.end}
    reasons = {"replaced": one.occurrence.replaced, "blackout": one.occurrence.blackout}
    why = {name: str(reason) if reason else "" for name, reason in reasons.items()}
    beside = {"due": slot.due, "beside": one.occurrence.beside, "clock": one.occurrence.clock}
    phased = [{"name": phase.name, "begins": phase.begins, "ends": phase.ends, "tasks": phase.tasks} for phase in one.phases]
    return {**told, "needed": one.needed, "fits": one.fits, **why, **beside, "phases": phased}


def ical(site: Site, found: Sequence[Appointment], now: datetime) -> str:
    """Write an iCalendar feed (RFC 5545); what is left out is not in it. The same slot has the same UID in every feed."""
    from icalendar import Calendar, Event

    feed = Calendar()
    feed.add("prodid", "-//mainstay//windows//EN")
    feed.add("version", "2.0")
    feed.add("x-wr-calname", f"Maintenance of {site.name}")
    feed.add("refresh-interval", _REFRESH, parameters={"VALUE": "DURATION"})
    for one in found:
        if one.occurrence.replaced:
            continue
        slot, event = one.occurrence.slot, Event()
        event.add("uid", f"{one.occurrence.routine}.{one.key}@{site.name}")
        event.add("dtstamp", now)
        event.add("dtstart", slot.start)
        event.add("dtend", slot.end)
        event.add("summary", f"{site.name}: {one.occurrence.routine}")
        event.add("description", "\n".join(_description(site, one)))
        event.add("categories", ["maintenance"])
        feed.add_component(event)
    return str(feed.to_ical().decode())


def _description(site: Site, one: Appointment) -> Iterator[str]:
    impact = one.occurrence.slot.max_impact
    yield f"Impact at most: {impact.name.lower().replace('_', ' ')}"
    yield f"Expected to need: {one.needed if one.needed is not None else 'not known yet'} of {one.length}"
    yield f"Tasks: {', '.join(task.id for task in site.routines[one.occurrence.routine].tasks)}"
    if remark := _remark(one).text:
        yield remark[:1].upper() + remark[1:]


def _needed(one: Appointment) -> Cell:
    if one.needed is None:
        return Cell("?", "muted")
    return Cell(str(one.needed), "" if one.fits else "bad")


def _remark(one: Appointment) -> Cell:
    """Say the worst that there is to say."""
    found = one.occurrence
    if found.replaced:
        return Cell(f"left out: {found.replaced.fact}", "muted")
    if one.fits is False:
        return Cell(f"too short: {one.needed} are needed", "bad")
    if found.blackout:
        return Cell(found.blackout.fact, "warn")
    if found.slot.due != found.slot.start:
        return Cell(f"put off from {found.slot.due:%Y-%m-%d} by a blackout", "info")
    if found.slot.origin is None:
        return Cell(f"announced as {found.slot.window}", "info")
    if found.beside:
        return Cell(f"beside {', '.join(found.beside)}", "warn")
    if found.clock:
        return Cell(found.clock, "info")
    return Cell("nobody knows how long it takes" if one.needed is None else "", "muted")
