"""Every reason not to start. A gate that says no says why, and nothing has been touched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from mainstay.engine import agenda, by_root, measured, observe, owed, requires
from mainstay.engine.context import Context
from mainstay.engine.plan import act, reach
from mainstay.ledger import emergencies, heartbeat, queries, runs
from mainstay.model.because import Because, because
from mainstay.model.errors import Refused
from mainstay.model.plan import Envelope, Impact, Neutral, Plan, Step
from mainstay.model.run import RunRecord, Status
from mainstay.model.task import Routine, Slot, Task, TaskClass
from mainstay.model.units import Duration
from mainstay.schedule.blackouts import forbidding
from mainstay.system import clock, locks

PASSED = "past the latest safe start"
CLOCK_TOLERANCE = timedelta(seconds=5)


def may_start(context: Context, routine: Routine, run: str) -> None:
    """Raise Refused unless a run may start now, or go on: the clock, what is owed, proofs, and the routine's own checks."""
    for _, refused in _owing(context, routine, run):
        if refused:
            raise refused
    requires.enforce(context, routine, run)
    for _, refused in _proving(context, routine):
        if refused:
            raise refused


def asked(context: Context, routine: Routine, run: str = "") -> Iterator[tuple[str, Refused | None]]:
    """Ask one gate after the other: yield its name, and why it says no."""
    yield from _owing(context, routine, run)
    for one in routine.requires:
        missing = "; ".join(requires.lacking(context, routine, one, run))
        refused = Refused("it is missing", because=missing, next=requires.way(routine, one)) if missing else None
        yield f"requires {one.name}", refused
    yield from _proving(context, routine)


def _owing(context: Context, routine: Routine, run: str) -> Iterator[tuple[str, Refused | None]]:
    yield "clock", _clock_runs_backwards(context, run)
    yield "earlier runs", _owed(context, routine, run)
    if asks := [task.target.name for task in (*routine.around, *routine.tasks) if by_root.is_needed(task.target)]:
        yield "root unit", by_root.missing(context.site.serve.root, asks)


def _proving(context: Context, routine: Routine) -> Iterator[tuple[str, Refused | None]]:
    if not _begins_with_copies(context, routine):
        yield "proven copies", unproven(context, routine)
    for task in routine.checks:
        yield task.id, _failing(context, task)


def guarded(context: Context, routine: Routine, *, attended: bool) -> None:
    """Raise Refused when nobody would lift the brackets of an unattended run if its process died: no timer settles runs."""
    if attended or not routine.around or heartbeat.alive(context.site.state, clock.now()):
        return
    raise Refused(
        "nobody would lift its brackets if this process died",
        on=", ".join(task.id for task in routine.around),
        because="no timer has settled runs lately",
        next="let a timer call `mainstay settle --every 1m` each minute, or start it by hand",
    )


def slot(context: Context, routine: Routine) -> Slot:
    """Return the slot of the routine that is open now; Refused when there is none, or another routine has the day."""
    now = clock.now()
    known = agenda.of(context, now, now)
    found = known.at(routine, now)
    if found is None:
        raise _closed(known.following(routine, now), routine, known.zone)
    reason = known.replaced(routine, found)
    if reason:
        raise Refused("left out today", on=routine.name, because=str(reason))
    return found


def _closed(following: Slot | None, routine: Routine, zone: ZoneInfo) -> Refused:
    if following is None:
        return Refused(
            "not scheduled",
            on=routine.name,
            because="the routine has no window",
            next="give it a window, or run it without --scheduled",
        )
    begins = f"the next slot begins {following.start.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    return Refused("outside its window", on=f"window {following.window}", because=begins)


def blacked_out(context: Context, task: Task, plan: Plan, forecast: Duration | None) -> Because | None:
    """Return the blackout in which a plan would be carried out that allows less. Copies and looks may always be made."""
    kind = context.task_kind(task)
    if plan.impact is Impact.NONE or agenda.exempt(kind):
        return None
    now = clock.now()
    end = now + timedelta(seconds=forecast or 0, microseconds=1)
    found = forbidding(agenda.spans(context, now, end), now, end, plan.impact)
    return found.because(ZoneInfo(context.site.timezone)) if found else None


def fits(plan: Plan, forecast: Duration | None, routine: Routine, slot: Slot | None) -> Because | None:
    """Return why a scheduled plan must not start now: nobody knows how long it takes, or it would not end in time."""
    if not plan.steps or slot is None:
        return None
    if forecast is None:
        known = because("a task without history and budget", None)
        return known if plan.impact > Impact.NONE else None
    left = Duration((slot.end - clock.now()).total_seconds())
    needed = Duration(forecast + routine.rollback + routine.buffer)
    return because("time needed", needed, ">", left) if needed > left else None


def too_late(context: Context, routine: Routine, task: str, step: Step, slot: Slot | None) -> Because | None:
    """Return why an act that people may notice, or that changes something, must not start any more in its slot.

    Its latest safe start is the end of the slot, less what 95 of 100 such acts keep within, the rollback, and the buffer.
    """
    if slot is None or (step.impact is Impact.NONE and isinstance(step.reverse, Neutral)):
        return None
    known, kept = measured.act(context, task, step.action), measured.with_rollback(context, routine)
    needed = Duration((known.p95 if known else 0) + kept.rollback + kept.buffer)
    left = Duration((slot.end - clock.now()).total_seconds())
    return because(f"{PASSED} of {step.action}: time needed", needed, ">", left) if needed > left else None


def allowed(context: Context, routine: Routine, plan: Plan, slot: Slot | None) -> Because | None:
    """Return why an unattended plan is harder than its window allows; without a window, only what nobody notices is."""
    window = slot or context.site.windows.get(routine.window)
    if window is None:
        return because("impact without a person and a window", plan.impact.name.lower(), ">", "none") if plan.impact else None
    if plan.impact <= window.max_impact:
        return None
    return because("impact", plan.impact.name.lower(), ">", window.max_impact.name.lower(), "max_impact").at(window.origin)


def outside(context: Context, impact: Impact) -> Because | None:
    """Return why work that a person starts is too hard now: no slot that is open allows it, and no emergency is."""
    most = context.site.outside_windows
    if impact <= most or emergencies.still_open(context.journal):
        return None
    now = clock.now()
    known = agenda.of(context, now, now)
    open_now = (known.at(routine, now) for routine in context.site.routines.values())
    if any(found and found.max_impact >= impact for found in open_now):
        return None
    named = [one.name.lower() for one in (impact, most)]
    return because("impact outside of every slot that allows it", named[0], ">", named[1], "outside_windows")


def refuse_outside(context: Context, routine: Routine, impact: Impact) -> None:
    """Raise Refused when a person starts what would be too hard now."""
    if reason := outside(context, impact):
        next = "wait for such a slot, announce one (mainstay window add), or run it with --emergency"
        raise Refused("outside of every window that allows it", on=routine.name, because=str(reason), next=next)


def consented(plan: Plan, envelope: Envelope | None, earlier: Iterable[Plan] = ()) -> Because | None:
    """Return why a plan is outside of what was consented to, together with the `earlier` plans of its run."""
    for step in plan.steps:
        if step.needs_consent and (envelope is None or act(plan.task, step) not in envelope.acts):
            return because(f"nobody consented to: {act(plan.task, step)}", None)
        if step.needs_consent and envelope and step.impact > envelope.impact:
            return because("impact", step.impact.name.lower(), ">", envelope.impact.name.lower())
    asks = any(step.needs_consent for step in plan.steps)
    return _beyond(envelope, reach([*earlier, plan])) if envelope and asks else None


def _beyond(envelope: Envelope, reached: dict[str, float]) -> Because | None:
    ceilings = {"minutes": envelope.minutes, "bytes": envelope.bytes, "rows": envelope.rows}
    over = next((name for name, ceiling in ceilings.items() if ceiling and reached[name] > ceiling), "")
    return because(f"{over} in all", round(reached[over], 2), ">", round(ceilings[over], 2)) if over else None


def abandoned(context: Context, run: str) -> RunRecord | None:
    """Return a run that owes something and has no living owner. A living one is left to the locks, a parked one looks again
    before it goes on, and one in its watch period only keeps its held names.
    """
    if alive(context, run):
        return None
    record = runs.load(context.journal, run)  # read after its lock was seen free: it may have ended just before
    if record is None or record.settled or record.status is Status.WAITING or (record.ended and not owed.reason(record)):
        return None
    return record


def alive(context: Context, run: str) -> bool:
    """Return whether a run has a living owner; the lock says so, never a process id."""
    return locks.is_held(context.locks, context.run_lock(run))


def _clock_runs_backwards(context: Context, run: str) -> Refused | None:
    newest, now = context.journal.newest(apart_from=run), clock.now()
    if newest and now < newest - CLOCK_TOLERANCE:
        reason = f"it is {now:%Y-%m-%d %H:%M:%S} UTC, the newest event is from {newest:%Y-%m-%d %H:%M:%S} UTC"
        return Refused("the clock runs backwards", because=reason, next="set the clock; nothing is started or pruned before")
    return None


def _owed(context: Context, routine: Routine, run: str) -> Refused | None:
    wanted = {context.resource(task.target) for task in (*routine.around, *routine.tasks)}
    for other in queries.unsettled(context.journal):
        if other.id == run or not wanted & _resources(context, [task.target for task in other.tasks]):
            continue
        if not abandoned(context, other.id):
            continue
        because = f"run {other.id} stands at '{other.status}': {other.because or 'its owner is gone'}"
        return Refused(
            "an earlier run on these targets is not settled",
            on=other.routine,
            because=because,
            next=f"mainstay resume {other.id}",
        )
    return None


def _resources(context: Context, targets: Iterable[str]) -> set[str]:
    known = (context.site.targets[name] for name in targets if name in context.site.targets)
    return {context.resource(target) for target in known}


def unproven(context: Context, routine: Routine) -> Refused | None:
    """Return the refusal of whatever changes something, as long as a copy that the routine asks for is not proven, or too old."""
    if routine.proof is None:
        return None
    for target in routine.proof.of:
        at = queries.proven(context.journal, target)
        age = Duration((clock.now() - at).total_seconds()) if at else None
        if age is None or age > routine.proof.within:
            reason = because("age of the newest proven copy", age, ">", routine.proof.within, "proof.within").at(
                routine.proof.origin
            )
            shown = str(reason) if age is not None else f"no copy of it was ever proven ({routine.proof.origin})"
            return Refused("no proof that it can be restored", on=target, because=shown, next=_way_to_proof(context))
    return None


def _begins_with_copies(context: Context, routine: Routine) -> bool:
    """Tell whether the routine makes copies before it changes anything: then the proof is asked for at the first change."""
    return bool(routine.tasks) and context.task_kind(routine.tasks[0]).task_class is TaskClass.BACKUP


def _way_to_proof(context: Context) -> str:
    """Name the commands that make a copy and prove it, for each target that has such tasks."""
    pairs = [
        f"mainstay run {name}.{task.proves} && mainstay run {name}.{task.name}"
        for name, target in context.site.targets.items()
        for task in context.kind(target).tasks
        if task.proves
    ]
    return " or ".join(pairs) or "configure a target whose tasks make copies and prove them"


def _failing(context: Context, task: Task) -> Refused | None:
    record = observe.check(context, task).record
    if record.status is Status.OK:
        return None
    worst = max(record.findings, key=lambda finding: finding.level)
    next = "mend that first; nothing was started"
    return Refused("a check of the routine does not pass", on=task.id, because=str(worst), next=next)
