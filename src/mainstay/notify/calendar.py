"""What only the clock shows: lead times, status at fixed times, overruns, cancelled appointments, runs without owner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mainstay.engine import agenda, plan, prepare
from mainstay.engine.context import Context
from mainstay.ledger import drills, events, queries
from mainstay.model.channel import Sort
from mainstay.model.codec import decode, encode
from mainstay.model.plan import Plan, shown
from mainstay.model.run import RunRecord
from mainstay.model.task import Site
from mainstay.model.units import Duration
from mainstay.notify.occasion import progress, window_of
from mainstay.schedule import leads
from mainstay.schedule.agenda import occurrence
from mainstay.schedule.occurrences import Occurrence, upcoming
from mainstay.system import locks

LATE = timedelta(minutes=15)  # a lead time that is missed by more says so
ORPHANED = timedelta(minutes=5)  # a run without owner is news then: a restart may go on with it before
_LONGEST_RUN = timedelta(days=2)
_TOLERANCE, _LEAST = 1.1, timedelta(minutes=1)  # beyond its forecast


@dataclass(frozen=True)
class Owed:
    """A notice that is owed, as its event in the journal has it."""

    key: str
    sort: Sort
    on: str
    facts: dict[str, Any]
    until: datetime | None = None

    def body(self) -> dict[str, Any]:
        """Return the body of its event."""
        told = {"sort": self.sort, "on": self.on, "facts": encode(self.facts)}
        return {**told, "until": encode(self.until)}


def owed(context: Context, now: datetime) -> list[Owed]:
    """Return what is owed at this time and was not owed before."""
    before = list(context.journal.events(kinds=(events.NOTICE_OWED,)))
    known = {event.task for event in before}
    told = {event.task: event.body["facts"] for event in before if event.body["sort"] == "lead"}
    found = [*_of_slots(context, told, now), *_of_runs(context, now), *_of_drills(context, now)]
    return [one for one in found if one.key not in known]


def _of_slots(context: Context, told: dict[str, dict[str, Any]], now: datetime) -> Iterator[Owed]:
    site = context.site
    open = [facts for facts in told.values() if datetime.fromisoformat(facts["start"]) > now]
    horizon = max([_horizon(site, now), *(datetime.fromisoformat(facts["start"]) + timedelta(seconds=1) for facts in open)])
    found = [one for one in upcoming(agenda.of(context, now, horizon), now, horizon) if one.replaced is None]
    for one in found:
        yield from _lead(context, one, now)
    slots = {occurrence(one.routine, one.slot.start) for one in found}
    for facts in open:
        key = occurrence(facts["routine"], datetime.fromisoformat(facts["start"]))
        if key not in slots:
            yield Owed(f"cancelled:{key}", "cancelled", facts["routine"], {**facts, "appointment": True})


def _horizon(site: Site, now: datetime) -> datetime:
    """Return how far ahead anybody may have to be told."""
    zone = ZoneInfo(site.timezone)
    times = [leads.parse(text).before(now, zone) for window in site.windows.values() for text in window.notices]
    return now + max((now - time for time in times), default=timedelta()) + timedelta(days=8 if times else 0)


def _lead(context: Context, found: Occurrence, now: datetime) -> Iterator[Owed]:
    window = window_of(context.site, found.routine)
    due = leads.due(window.notices, found.slot.start, now, ZoneInfo(context.site.timezone)) if window else None
    if due is None:
        return
    lead, instant = due
    routine = context.site.routines[found.routine]
    if now - instant < LATE and prepare.due(context, routine, now) == found.slot:
        return  # what is planned is told with it, in a minute
    key = f"lead:{occurrence(found.routine, found.slot.start)}:{encode(instant)}"
    yield Owed(key, "lead", found.routine, _appointment(context, found, lead.text, instant, now), found.slot.start)


def _appointment(context: Context, found: Occurrence, lead: str, instant: datetime, now: datetime) -> dict[str, Any]:
    window, routine = window_of(context.site, found.routine), context.site.routines[found.routine]
    needed = plan.needed(context, routine)
    return {
        "routine": found.routine,
        "key": occurrence(found.slot.window, found.slot.start),
        "start": found.slot.start,
        "end": found.slot.end,
        "length": str(Duration((found.slot.end - found.slot.start).total_seconds())),
        "impact": found.slot.max_impact.name.lower(),
        "needed": str(needed) if needed is not None else "",
        "advice": window.advice if window else "",
        "tasks": [task.id for task in routine.tasks],
        "lead": lead,
        "late": instant if now - instant > LATE else None,
        "clock": found.clock,
        "prepared": _prepared(context, found),
    }


def _prepared(context: Context, found: Occurrence) -> dict[str, Any] | None:
    """Return what the preparation of a slot has published."""
    event = prepare.newest(context.journal, found.routine, found.slot)
    if event is None:
        return None
    plans = decode(tuple[Plan, ...], event.body["plan"])
    steps = [f"{made.task}: {step.action} {shown(step.on)}".rstrip() for made in plans for step in made.steps]
    return {"at": event.at, "go": event.body["go"], "steps": steps}


def _of_runs(context: Context, now: datetime) -> Iterator[Owed]:
    for record in queries.unsettled(context.journal):
        if record.ended:
            continue
        orphan = not locks.is_held(context.locks, context.run_lock(record.id))
        yield from _status(context, record, now, orphan=orphan)
        if record.status == "running":
            yield from _orphaned(context, record, now) if orphan else _overrun(context, record, now)


def _status(context: Context, record: RunRecord, now: datetime, *, orphan: bool) -> Iterator[Owed]:
    window = window_of(context.site, record.routine)
    if window is None or not window.status:
        return
    until = min(now + timedelta(microseconds=1), record.began + _LONGEST_RUN)
    times = leads.within(window.status, record.began, until, ZoneInfo(context.site.timezone))
    for instant in times[-1:]:
        facts = {**progress(record), "orphan": orphan, "ends": record.slot.end if record.slot else None}
        yield Owed(f"status:{record.id}:{encode(instant)}", "status", record.routine, facts, instant + timedelta(hours=2))


def _overrun(context: Context, record: RunRecord, now: datetime) -> Iterator[Owed]:
    routine = context.site.routines.get(record.routine)
    work = plan.needed(context, replace(routine, rollback=Duration(0), buffer=Duration(0))) if routine else None
    if work is None:
        return
    expected = record.began + timedelta(seconds=work)
    over = now - expected
    if over > max(_LEAST, timedelta(seconds=work * (_TOLERANCE - 1))):
        facts = {**progress(record), "forecast": str(work), "expected": expected, "over": str(Duration(over.total_seconds()))}
        yield Owed(f"overrun:{record.id}", "overrun", record.routine, facts)


def _orphaned(context: Context, record: RunRecord, now: datetime) -> Iterator[Owed]:
    newest = max(context.journal.events(run=record.id), key=lambda event: event.seq)
    if now - newest.at > ORPHANED:
        facts = {**progress(record), "because": "its process is gone, and nobody has gone on with it", "orphan": True}
        yield Owed(f"orphaned:{record.id}:{newest.seq}", "failed", record.routine, facts)


def _of_drills(context: Context, now: datetime) -> Iterator[Owed]:
    """Yield the tests of a channel that nobody has confirmed: whoever listens elsewhere has to know."""
    for one in drills.newest(context.journal).values():
        if one.channel in context.site.channels and one.unheard(now):
            facts = {"unheard": True, "channel": one.channel, "tested": one.at, "within": one.within}
            yield Owed(f"unheard:{one.seq}", "drill", one.channel, facts)
