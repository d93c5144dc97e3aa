"""After a crash: end what is left, find out what happened, pay what is owed, and go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from mainstay.engine import act, bracket, gate, observe, owed, run, standing, turn, watch
from mainstay.engine.act import Ending
from mainstay.engine.context import Context
from mainstay.engine.drive import Drive, owned
from mainstay.kinds.kind import TaskKind
from mainstay.ledger import events, queries, runs
from mainstay.model.codec import decode
from mainstay.model.errors import MainstayError, Refused, Unknown
from mainstay.model.plan import OnUnknown, Undo
from mainstay.model.run import RunRecord, Status, StepRecord, TaskRecord, Verdict, Watched
from mainstay.model.task import Routine
from mainstay.model.units import Duration
from mainstay.system import clock, process


def resume(context: Context, id: str) -> RunRecord:
    """Adopt a run whose owner is gone, or that has its answer, and go on with it; Refused while its owner lives."""
    with owned(context, id):
        drive = adopt(context, id, answered=True)
        if not drive.record.begun:
            return _begin_late(drive)
        reconcile(drive)
        return run.forward(drive)


def roll_back(context: Context, id: str, by: str) -> RunRecord:
    """Take back every change of a run that is not settled yet; what could not be taken back before is tried again."""
    with owned(context, id):
        drive = adopt(context, id)
        reconcile(drive)
        drive.write(events.RUN_TURNED, {"because": f"{by} asked for it"})
        drive.insist = True
        return run.forward(drive)


def reviewed(context: Context, id: str) -> RunRecord:
    """Take in what a person said of a run that has ended: declined, it has failed, and can still be taken back."""
    with owned(context, id):
        drive = adopt(context, id)
        said = drive.record.remarks[-1]
        if not said.yes:
            because = f"{said.on} was declined in review by {said.by}: {said.text}".rstrip(": ")
            drive.write(events.RUN_ENDED, {"status": Status.FAILED, "verdict": Verdict.FAIL, "because": because})
        run.settle_if_clear(drive)
        return drive.record


def sweep(context: Context) -> list[RunRecord]:
    """Settle what can be settled without a person: ownerless runs go on, answers that are overdue expire, watches go on.

    A run that cannot go on now is returned as it stands, with the reason, and keeps no other one waiting.
    """
    swept = []
    for record, step in due(context):
        if record.status is Status.WAITING and (why := standing.kept(context, record, _routine(context, record))):
            swept.append(replace(record, status=Status.FAILED, because=f"it stays in force beyond its time: {why}"))
            continue
        try:
            swept.append(step(context, record.id))
        except MainstayError as error:
            stands = runs.load(context.journal, record.id) or record
            swept.append(replace(stands, because=str(error), watched=Watched()))  # no look was made
    return swept


def due(context: Context) -> Iterator[tuple[RunRecord, Callable[[Context, str], RunRecord]]]:
    """Yield the runs that can be settled now without a person, oldest first, and what is to be done about each.

    What stands without an owner comes last: it may wait for what others did under it.
    """
    for known in sorted(queries.unsettled(context.journal), key=lambda one: one.standing is not None):
        record = None if gate.alive(context, known.id) else runs.load(context.journal, known.id)
        if record is None or record.settled or (record.status is Status.WAITING and not _answered(context, record)):
            continue
        step = _next(record)
        if step and not (step is _look_on and _disturbed(context, record.id)):
            yield record, step


def settle(context: Context, id: str, by: str, text: str) -> RunRecord:
    """Write down that a person takes it from here: nothing is owed by this run any more, its held names are free."""
    with owned(context, id):
        drive = adopt(context, id)
        if not drive.record.ended:
            drive.write(
                events.RUN_ENDED, {"status": Status.CANCELLED, "verdict": Verdict.DEGRADED, "because": f"settled by {by}"}
            )
        drive.write(events.RUN_SETTLED, {"by": by, "text": text})
        return drive.record


def adopt(context: Context, id: str, *, answered: bool = False) -> Drive:
    """Become the owner of a run; whoever was it before can write no more. With `answered`, refuse one that still waits."""
    known = runs.load(context.journal, id)
    if known is None:
        raise Refused("no such run", on=id, next="mainstay runs")
    if known.settled:
        raise Refused("the run is settled", on=id, because=f"{known.status}; nothing of it is owed, and its held names are free")
    routine = _routine(context, known)
    if answered and known.status is Status.WAITING:
        if not _answered(context, known):
            raise Refused("the run waits for a person", on=id, because=known.because)
        if not context.journal.exists(id, events.RUN_CANCELLED):
            gate.may_start(context, routine, id)
    adopted = context.journal.append(events.RUN_ADOPTED, {"boot": clock.boot_id()}, run=id)
    drive = Drive(context, routine, runs.feed(known, adopted), adopted.seq)
    context.listener.event(drive.record, adopted)
    return drive


def reconcile(drive: Drive) -> None:
    """End what started steps and looks left behind, and find out for each step whether it happened."""
    process.end_tagged(*_left_behind(drive))  # all of them first: any of them may hold any lock of the run
    for task in drive.record.tasks:
        for step in task.steps:
            if step.status is Status.RUNNING or owed.may_look_again(task, step):
                _reconcile(drive, task, step)
    with ExitStack() as undone:
        undone.callback(drive.release)
        for task in drive.record.tasks:
            held = drive.task(task.id)
            if task.bracket and held and owed.in_force(task):
                bracket.hold_locks(drive, held)
        undone.pop_all()


def _left_behind(drive: Drive) -> list[str]:
    tasks = drive.record.tasks
    steps = [drive.tag(task.id, step.step.id) for task in tasks for step in task.steps if step.status is Status.RUNNING]
    return [*steps, *(drive.tag(task.id, "look") for task in tasks)]


def _reconcile(drive: Drive, record: TaskRecord, started: StepRecord) -> None:
    try:
        ending = _happened(drive, record, started)
    except MainstayError as error:
        ending = Ending(Status.UNKNOWN, f"interrupted, and it cannot be looked at: {error}")
    act.end(drive, record.id, started.step, ending)


def _happened(drive: Drive, record: TaskRecord, started: StepRecord) -> Ending:
    """Return how a step stands that has a start row and no end row. PENDING means that it did not happen and may start again."""
    task, step = drive.task(record.id), started.step
    if task is None:
        return Ending(Status.UNKNOWN, "its target is no longer in the configuration")
    kind = drive.kind(task)
    if step.action not in kind.actions:
        return Ending(Status.UNKNOWN, f"this version does not know the act {step.action}")
    if step.on_unknown is OnUnknown.ASK:
        return Ending(Status.UNKNOWN, "interrupted; a person has to say whether it happened")
    if step.on_unknown is OnUnknown.UNDO or (step.on_unknown is OnUnknown.RERUN and step.is_bracket):
        return Ending(Status.FAILED, "interrupted; it is taken back")
    if (step.on_unknown is OnUnknown.RERUN and not started.undo_of) or started.before is None:
        return Ending(Status.PENDING, "interrupted; it starts again")
    with drive.locked(task), observe.session(drive.context, task, drive.door(task, step, obey=False)) as session:
        after = kind.observe(session, step.on)
        why = kind.verify(_seen_before(kind, started), after, step)
        if why is None:
            return Ending(Status.CHANGED, "interrupted; a look shows that it happened", after)
        act.tidy(kind, session, step)
    ends = drive.record.turned or drive.stop()
    if ends and isinstance(step.reverse, Undo) and not step.is_bracket and not started.undo_of:
        return Ending(Status.FAILED, f"interrupted: {why}; it is taken back", after)
    return Ending(Status.PENDING, f"interrupted; a look shows that it did not happen: {why}", after)


def _seen_before(kind: TaskKind[Any, Any], started: StepRecord) -> Any:
    """Return the facts of the start row, or raise Unknown when a version that keeps other facts wrote it."""
    try:
        return decode(kind.facts, started.before)
    except (KeyError, TypeError, ValueError) as error:
        raise Unknown("this version cannot read what was seen before", on=started.step.id, because=str(error)) from error


def _next(record: RunRecord) -> Callable[[Context, str], RunRecord] | None:
    """Return what can be done about an ownerless run without a person, if anything."""
    if record.ended is None or owed.payable(record):
        return resume
    if owed.reason(record) or owed.unreviewed(record):
        return None
    return _look_on if not record.watch or clock.now() >= watch.due(record) else None


def _disturbed(context: Context, id: str) -> bool:
    """Return whether another run is at work, or holds something in force: what a look finds now may be its doing."""
    others = (run for run in queries.unsettled(context.journal) if run.id != id)
    return any(gate.alive(context, run.id) or owed.open_brackets(run) for run in others)


def _routine(context: Context, record: RunRecord) -> Routine:
    return context.site.routines.get(record.routine) or _as_launched(context, record)


def _as_launched(context: Context, record: RunRecord) -> Routine:
    """Return the routine of a run as its record has it: one task alone, or a routine that the configuration no longer has."""
    bare = Drive(context, Routine(record.routine, ()), record, 0)
    found = {task.id: bare.task(task.id) for task in record.tasks}
    inner, outer = ([found[task.id] for task in record.tasks if task.bracket is around] for around in (False, True))
    return Routine(record.routine, tuple(filter(None, inner)), around=tuple(filter(None, outer)))


def _look_on(context: Context, id: str) -> RunRecord:
    with owned(context, id):
        drive = adopt(context, id)
        if drive.record.watch:
            watch.look(drive)
        else:
            drive.write(events.RUN_SETTLED, {"by": "mainstay", "text": "nothing of it is open"})
        return drive.record


def _answered(context: Context, record: RunRecord) -> bool:
    """Return whether a parked run can go on: its item was answered, its time is over, or the run was cancelled."""
    if record.standing:
        return clock.now() >= record.standing or context.journal.exists(record.id, events.RUN_CANCELLED)
    waiting = next(task for task in record.tasks if task.status is Status.WAITING)
    may = Duration(waiting.params.get("expires", 0))
    late = may and waiting.began and (clock.now() - waiting.began).total_seconds() > may
    return bool(late or turn.answer_to(record, waiting.id) or context.journal.exists(record.id, events.RUN_CANCELLED))


def _begin_late(drive: Drive) -> RunRecord:
    """Begin a scheduled run whose owner died before that, while its slot is open: nobody else can claim it any more."""
    if drive.record.slot is None or clock.now() >= drive.record.slot.end:
        return _never_begun(drive)
    return run.begin(drive)


def _never_begun(drive: Drive) -> RunRecord:
    ended = {"status": Status.CANCELLED, "verdict": Verdict.DEGRADED, "because": "its owner ended before anything was started"}
    drive.write(events.RUN_ENDED, ended)
    drive.write(events.RUN_SETTLED, {"by": "mainstay", "text": "nothing was started"})
    return drive.record
