"""Brackets: what is in force around other tasks, opened outer first, lifted inner first, and never forgotten.

The outermost one opens to the public only when the checks pass, or when nothing was touched under it. If they fail, what was
changed is taken back under the same brackets, and the checks decide again; if they still fail, it stays, and people are called.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from mainstay.engine import act, observe, owed, plan, verify
from mainstay.engine.drive import Drive
from mainstay.kinds.kind import Session
from mainstay.ledger import events
from mainstay.model.codec import encode
from mainstay.model.errors import MainstayError
from mainstay.model.plan import Impact
from mainstay.model.run import Status, StepRecord, TaskRecord
from mainstay.model.task import Task
from mainstay.system import clock


def needed(impact: Impact) -> bool:
    """Return whether work of this impact is done under brackets."""
    return impact >= Impact.BLOCKS_WRITES


def enter(drive: Drive) -> str:
    """Put every bracket of the run in force, outer first; return why one could not be, after lifting the others."""
    for record in [task for task in drive.record.tasks if task.bracket]:
        why = _enter(drive, record.id)
        if why:
            reason = f"{record.id}: {why}"
            return reason + "; " + (lift(drive, all_of_them=True) or "the others were lifted again")
    return ""


def leave(drive: Drive) -> str:
    """Lift the brackets through the checks, taking back what they condemn; return what is still owed, "" when nothing."""
    why = roll_back(drive)
    why = (why if drive.record.turned else "") or lift(drive)
    changed = owed.changes(drive.record)
    if not owed.open_brackets(drive.record) and not changed:
        return why
    failed = verify.failing(drive)
    if failed and not drive.record.turned and changed:
        drive.write(events.RUN_TURNED, {"because": f"a check fails after the change: {failed}"})
        why = why or roll_back(drive) or lift(drive)
        failed = verify.failing(drive)
    if failed and owed.touched(drive.record) and owed.open_brackets(drive.record):
        return why or f"{owed.open_brackets(drive.record)[0]} stays in force, because a check fails: {failed}"
    return why or lift(drive, all_of_them=True)


def lift(drive: Drive, *, all_of_them: bool = False) -> str:
    """Lift the inner brackets, or all of them, inner first; return why one could not be."""
    for id in reversed(owed.open_brackets(drive.record)[0 if all_of_them else 1 :]):
        why = _lift(drive, id)
        if why:
            return f"{id} is still in force: {why}"
    return ""


def roll_back(drive: Drive) -> str:
    """Take back every change that has to be, newest first, under the brackets that each had; return why that is not done.

    What was tried and failed is tried again only when a person insists, and nothing older is taken back before it.
    """
    failed = "" if drive.insist else owed.stuck(drive.record)
    drive.insist = False
    if failed:
        return failed
    while left := owed.due(drive.record):
        record, done = left[-1]
        why = _reopen(drive, done) or take_back(drive, record.id, done)
        if why:
            return f"taking back {record.id} {done.step.action} failed: {why}"
    return ""


def take_back(drive: Drive, id: str, done: StepRecord) -> str:
    """Undo one step; return why that failed."""
    task = drive.task(id)
    if task is None:
        return "its target is no longer in the configuration"
    try:
        with drive.locked(task), observe.session(drive.context, task, drive.looking(task)) as session:
            status = act.do(drive, task, session, act.undo_step(done.step), undo_of=done.step.id)
    except MainstayError as error:
        return str(error)
    return "" if status is Status.CHANGED else drive.record.task(id).steps[-1].because


def hold_locks(drive: Drive, task: Task) -> None:
    """Keep a bracket's locks until it is lifted."""
    if task.id in drive.spans:
        return
    stack = ExitStack()
    stack.enter_context(drive.locked(task))
    drive.spans[task.id] = stack


def _enter(drive: Drive, id: str) -> str:
    record, task = drive.record.task(id), drive.task(id)
    standing = owed.in_force(record)
    if standing and standing.status is Status.CHANGED:
        return ""
    if standing:  # nobody knows whether it is in force: lift it, and begin anew
        why = _lift(drive, id)
        if why:
            return why
    if task is None:
        return "its target is no longer in the configuration"
    try:
        hold_locks(drive, task)
        with observe.session(drive.context, task, drive.looking(task)) as session:
            return _put_in_force(drive, task, session, drive.record.task(id))
    except MainstayError as error:
        _release(drive, id)
        return str(error)


def _put_in_force(drive: Drive, task: Task, session: Session, record: TaskRecord) -> str:
    began = clock.now()
    made = plan.make(drive.context, task, drive.kind(task).observe(session), f"{drive.record.id}.{task.id}")
    if missing := plan.lacking(drive.context, task, session, made):
        return f"it could not be lifted: {'; '.join(missing)}"
    drive.write(events.TASK_PLANNED, {"plan": encode(made), "forecast": None, "began": encode(began)}, task.id)
    times = sum(not step.undo_of for step in record.steps)
    for step in made.steps:
        numbered = replace(step, id=f"{step.id}#{times + 1}") if times else step
        if act.do(drive, task, session, numbered) is not Status.CHANGED:
            return drive.record.task(task.id).steps[-1].because
    if not made.steps:
        drive.end(task.id, Status.OK, "")
    return ""


def _lift(drive: Drive, id: str) -> str:
    done = owed.in_force(drive.record.task(id))
    why = take_back(drive, id, done) if done else ""
    if not why:
        drive.end(id, Status.CHANGED, "")
        _release(drive, id)
    return why


def _release(drive: Drive, id: str) -> None:
    span = drive.spans.pop(id, None)
    if span:
        span.close()


def _reopen(drive: Drive, done: StepRecord) -> str:
    for id in done.under:
        why = _enter(drive, id)
        if why:
            return f"{id} could not be put in force again: {why}"
    return ""
