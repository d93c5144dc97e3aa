"""What is to come, for people and for their calendar programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mainstay.model.task import Site
from mainstay.model.units import Duration
from mainstay.report.document import Cell, Document, Paragraph, Section, plural, sections, table
from mainstay.schedule.occurrences import Occurrence, Often

_REFRESH = timedelta(hours=6)


@dataclass(frozen=True)
class Appointment:
    """One slot of a routine, and the time that the routine is expected to need, rollback and buffer included; None: not known."""

    occurrence: Occurrence
    needed: Duration | None

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
            Cell(f"{one.occurrence.slot.start.astimezone(now.tzinfo):%a %Y-%m-%d %H:%M}"),
            Cell(str(one.length)),
            Cell(one.occurrence.routine),
            _needed(one),
            Cell(site.windows[one.occurrence.slot.window].max_impact.name.lower().replace("_", " ")),
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
            Section("Many times a day", (table(("routine", "rule", "next"), regular),) if regular else ()),
        ),
    )


def encoded(one: Appointment) -> dict[str, Any]:
    """Return an appointment as `mainstay.windows/1` has it."""
    slot = one.occurrence.slot
    told = {"routine": one.occurrence.routine, "window": slot.window, "key": slot.key, "start": slot.start, "end": slot.end}
    reason = one.occurrence.replaced
    why = {"replaced": str(reason) if reason else "", "beside": one.occurrence.beside, "clock": one.occurrence.clock}
    return {**told, "needed": one.needed, "fits": one.fits, **why}


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
        event.add("uid", f"{one.occurrence.routine}.{slot.key}@{site.name}")
        event.add("dtstamp", now)
        event.add("dtstart", slot.start)
        event.add("dtend", slot.end)
        event.add("summary", f"{site.name}: {one.occurrence.routine}")
        event.add("description", "\n".join(_description(site, one)))
        event.add("categories", ["maintenance"])
        feed.add_component(event)
    return str(feed.to_ical().decode())


def _description(site: Site, one: Appointment) -> Iterator[str]:
    impact = site.windows[one.occurrence.slot.window].max_impact
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
    if found.beside:
        return Cell(f"beside {', '.join(found.beside)}", "warn")
    if found.clock:
        return Cell(found.clock, "info")
    return Cell("nobody knows how long it takes" if one.needed is None else "", "muted")
