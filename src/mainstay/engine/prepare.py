"""Prepare a slot: do what can be done early, judge the routine, plan every step, look at everything, and publish it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from mainstay.engine import agenda, observe, plan, ready, run
from mainstay.engine.context import Context
from mainstay.ledger import events
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.because import Finding, Level, because
from mainstay.model.codec import encode
from mainstay.model.errors import Refused
from mainstay.model.run import Status, TaskRecord
from mainstay.model.task import Routine, Slot, TaskClass
from mainstay.model.units import Size
from mainstay.schedule.agenda import occurrence
from mainstay.system import clock
from mainstay.system.files import room

LEAST = Size(256 << 20)  # free where the journal is: below it a run could not be written down to its end


def due(context: Context, routine: Routine, now: datetime) -> Slot | None:
    """Return the slot that has to be prepared now: it begins within the time that the routine says, and nobody has done it."""
    if not routine.prepare:
        return None
    known = agenda.of(context, now, now)
    slot = known.following(routine, now)
    if slot is None or slot.start - timedelta(seconds=routine.prepare) > now or known.replaced(routine, slot):
        return None
    return None if newest(context.journal, routine.name, slot) else slot


def newest(journal: Journal, routine: str, slot: Slot) -> Event | None:
    """Return the newest preparation of a slot."""
    key = occurrence(routine, slot.start)
    found = [event for event in journal.events(kinds=(events.ROUTINE_PREPARED,)) if event.body["occurrence"] == key]
    return found[-1] if found else None


def prepare(context: Context, routine: Routine) -> list[Finding]:
    """Prepare the slot of a routine that comes next, write down what was found and what is planned, and return the findings."""
    done = list(_done(context, routine))
    planned = plan.forecast(context, (*routine.around, *routine.tasks))
    found = [*done, *ready.readiness(context, routine, planned), *_targets(context, routine), _room(context)]
    slot = agenda.of(context, now := clock.now(), now).following(routine, now)
    body = {
        "routine": routine.name,
        "occurrence": occurrence(routine.name, slot.start) if slot else "",
        "slot": encode(slot),
        "go": max(one.level for one in found) < Level.CRITICAL,
        "findings": encode(found),
        "plan": encode([one.plan for one in planned if one.plan]),
    }
    context.journal.append(events.ROUTINE_PREPARED, body)
    return found


def _done(context: Context, routine: Routine) -> Iterator[Finding]:
    """Do what can be done early, images fetched say; without a window, only what nobody notices is done."""
    if not routine.prepared_by:
        return
    early = Routine(f"prepare-{routine.name}", routine.prepared_by, origin=routine.origin)
    try:
        record = run.launch(context, early, run.Launch(by="mainstay", attended=False))
    except Refused as error:
        yield Finding(Level.CRITICAL, early.name, because(str(error), None))
        return
    for task in record.tasks:
        if task.status in (Status.OK, Status.CHANGED):
            yield Finding(Level.OK, task.id, because("done beforehand", None))
        else:
            yield Finding(Level.CRITICAL, task.id, because(f"{task.status}: {task.because}", None), f"mainstay show {record.id}")


def _targets(context: Context, routine: Routine) -> Iterator[Finding]:
    """Look at every target of the routine, and at every repository of copies: whether it answers, and what is wrong with it."""
    tasks = (*routine.around, *routine.tasks, *routine.checks)
    mine = dict.fromkeys(task.target.name for task in tasks)
    copies = [one.name for one in context.site.targets.values() if _keeps_copies(context, one.name)]
    for name in dict.fromkeys([*mine, *copies]):
        task = observe.check_of(context, name)
        if task:
            yield from _seen(observe.check(context, task).record)


def _seen(record: TaskRecord) -> Iterator[Finding]:
    wrong = [one for one in record.findings if one.level > Level.OK]
    yield from wrong
    if not wrong:
        yield Finding(Level.OK, record.target, because("answers, and is in order", None))


def _keeps_copies(context: Context, target: str) -> bool:
    return any(task.task_class is TaskClass.BACKUP for task in context.kind(context.site.targets[target]).tasks)


def _room(context: Context) -> Finding:
    free = room(context.site.state).free
    if free < LEAST:
        advice = f"make room at {context.site.state}"
        return Finding(Level.CRITICAL, "room", because("free where the journal is", free, "<", LEAST), advice)
    return Finding(Level.OK, "room", because("free where the journal is", free, ">=", LEAST))
