"""Is a routine ready for its next slot: every gate is asked, every task is planned, and no reason is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from mainstay.engine import agenda, freeze, gate, measured, plan, promises
from mainstay.engine.context import Context
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import Impact
from mainstay.model.run import Status, TaskRecord
from mainstay.model.task import Routine, Slot, TaskClass
from mainstay.model.units import Duration
from mainstay.schedule.agenda import Agenda
from mainstay.schedule.blackouts import forbidding
from mainstay.system import clock


def readiness(context: Context, routine: Routine, planned: Sequence[TaskRecord] | None = None) -> list[Finding]:
    """Judge a routine: critical is a no, a warning is to be known beforehand, ok is told as well.

    `planned` is what its tasks would do now, where somebody has looked already.
    """
    now = clock.now()
    known = agenda.of(context, now, now)
    slot = known.at(routine, now) or known.following(routine, now)
    judged = (*_frozen(context, routine), *_slot(context, known, routine, slot), *_rollback(context, routine))
    return [*_gates(context, routine), *judged, *_tasks(planned if planned is not None else _planned(context, routine), slot)]


def _gates(context: Context, routine: Routine) -> Iterator[Finding]:
    for name, refused in gate.asked(context, routine):
        if refused:
            yield Finding(Level.CRITICAL, name, because(refused.because or refused.what, None), refused.next)
        else:
            yield Finding(Level.OK, name, because("asked, and in order", None))


def _frozen(context: Context, routine: Routine) -> Iterator[Finding]:
    """Tell that an emergency holds the routine back; or a part of it, where copies and looks go on."""
    reasons = [freeze.frozen(context, task) for task in routine.tasks]
    if found := [one for one in reasons if one]:
        level = Level.CRITICAL if len(found) == len(reasons) else Level.WARNING
        yield Finding(level, "emergency", found[0], freeze.UNTIL)


def _slot(context: Context, known: Agenda, routine: Routine, slot: Slot | None) -> Iterator[Finding]:
    """Judge the slot that is open or comes next."""
    if slot is None:
        yield Finding(Level.WARNING, "window", because("the routine has none: it starts by hand", None), "mainstay window add")
        return
    start, end = slot.start.astimezone(known.zone), slot.end.astimezone(known.zone)
    yield Finding(Level.OK, "window", because(slot.window, f"{start:%a %Y-%m-%d %H:%M} to {end:%H:%M %Z}"))
    if reason := known.replaced(routine, slot):
        yield Finding(Level.CRITICAL, "window", reason)
    span = forbidding(agenda.spans(context, slot.start, slot.end), slot.start, slot.end, slot.max_impact)
    if span and not known.exempt(routine):
        yield Finding(Level.CRITICAL, "blackout", span.because(known.zone), "work that people notice is deferred")
    yield from _notices(context, routine, slot)
    length, needed = Duration((slot.end - slot.start) / timedelta(seconds=1)), plan.needed(context, routine)
    if needed is None:
        advice = "give it a budget: without one, and without five runs, it does not start unattended"
        yield Finding(Level.CRITICAL, "time", because("nobody knows how long a task takes", None), advice)
    else:
        level = Level.CRITICAL if needed > length else Level.OK
        yield Finding(level, "time", because("expected, with rollback and buffer", needed, ">" if level else "<=", length))


def _notices(context: Context, routine: Routine, slot: Slot) -> Iterator[Finding]:
    """Tell which notices that were promised before the slot have not been delivered."""
    window = context.site.windows.get(routine.window)
    if window is None or not window.notices:
        return
    level = Level.CRITICAL if window.untold == "block" else Level.WARNING
    missing = promises.broken(context, routine, slot)
    for why in missing:
        yield Finding(level, "notices", why, "mainstay notify list")
    if not missing:
        yield Finding(Level.OK, "notices", because("people are told", ", ".join(window.notices)))


def _rollback(context: Context, routine: Routine) -> Iterator[Finding]:
    """Compare what taking everything back took with how long it may take."""
    if not routine.rollback:
        return
    took = measured.rollback(context, routine.name)
    if took is None:
        advice = "rehearse it: run the routine with a watch period, and mainstay rollback RUN"
        yield Finding(Level.WARNING, "rollback", because("never measured; may take", routine.rollback), advice)
        return
    late = took > routine.rollback
    reason = because("longest measured", took, ">" if late else "<=", routine.rollback, "rollback").at(routine.origin)
    advice = "its latest safe start is that much earlier" if late else ""
    yield Finding(Level.WARNING if late else Level.OK, "rollback", reason, advice)


def _planned(context: Context, routine: Routine) -> Sequence[TaskRecord]:
    """Plan every task as if its turn were now."""
    return plan.forecast(context, (*routine.around, *routine.tasks))


def _tasks(planned: Sequence[TaskRecord], slot: Slot | None) -> Iterator[Finding]:
    """Judge what is planned: a target that cannot be looked at, or work above the window, is a no."""
    for record in planned:
        if record.status is Status.UNKNOWN or record.plan is None:
            yield Finding(Level.CRITICAL, record.id, because(record.because, None), f"mainstay check {record.target}")
            continue
        yield from (
            Finding(Level.CRITICAL, record.id, because(one, None), "it could not be taken back") for one in record.lacking
        )
        if record.task_class == TaskClass.BACKUP:
            yield from (replace(one, on=f"{record.id}: {one.on}") for one in record.findings)
        made, most = record.plan, slot.max_impact if slot else Impact.DOWNTIME
        told = because(f"{len(made.steps)} steps, impact", made.impact.name.lower())
        if made.impact > most:
            yield Finding(Level.CRITICAL, record.id, because("impact", made.impact.name.lower(), ">", most.name.lower()))
        elif record.level in ("approve", "manual") and made.steps:
            yield Finding(Level.WARNING, record.id, told, "it will wait for approval")
        else:
            yield Finding(Level.OK, record.id, told)
