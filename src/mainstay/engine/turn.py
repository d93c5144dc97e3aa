"""One task's turn: obstacles, brackets, locks, look, plan, pin, act; and taking back what a failure left."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from mainstay.engine import act, bracket, freeze, gate, measured, observe, owed, phases, plan
from mainstay.engine.drive import Drive, latest
from mainstay.kinds.kind import Session
from mainstay.ledger import events
from mainstay.model.because import Because, because
from mainstay.model.codec import encode
from mainstay.model.errors import MainstayError, Refused
from mainstay.model.plan import Plan, Step, Undo, shown
from mainstay.model.run import Remark, RunRecord, Status, StepRecord
from mainstay.model.task import Task, TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.process import Door

_OVER = "its slot is over, and `on_stop` is cancel"
_HELD = ("time used", gate.PASSED)  # reasons that are no failure: what is done stays, the rest is deferred
_DONE = frozenset({Status.OK, Status.CHANGED})
_CHANGING = frozenset({TaskClass.CARE, TaskClass.CHANGE})


def take(drive: Drive, id: str) -> bool:
    """Give a task its turn; return False when the run now waits for a person."""
    task = drive.task(id)
    obstacle = _obstacle(drive, id, task)
    if obstacle:
        drive.end(id, *obstacle)
        return True
    assert task is not None
    if drive.kind(task).waits:
        return _answered(drive, task)
    try:
        if not _approved(drive, task):
            return drive.record.status is not Status.WAITING
        why = _brackets(drive, task)
        if why:
            status = Status.CANCELLED if drive.stop() else Status.FAILED
            drive.end(id, status, f"a bracket could not be put in force: {why}")
            return True
        with drive.locked(task):
            _work(drive, task)
    except MainstayError as error:
        if drive.record.task(id).steps:
            raise  # what it did cannot be looked after now: the run stays open
        drive.end(id, Status.DEFERRED if isinstance(error, Refused) else Status.FAILED, str(error))
    return True


def _is_open(drive: Drive, id: str) -> bool:
    return any(step.status is Status.RUNNING for step in drive.record.task(id).steps)


def _obstacle(drive: Drive, id: str, task: Task | None) -> tuple[Status, str] | None:
    """Return why a task does not get its turn. One that was begun always does: what it did may have to be taken back."""
    record = drive.record
    if record.task(id).steps:
        return None if task else (Status.UNKNOWN, "its target is no longer in the configuration")
    if record.turned:
        return Status.SKIPPED, f"the run takes back: {record.turned}"
    if task is None:
        return Status.SKIPPED, "its target is no longer in the configuration"
    if drive.stop():
        return Status.CANCELLED, "the run was cancelled"
    if why := phases.kept_back(record, id):
        return Status.SKIPPED, why
    stands = {one.id: one.status for one in record.tasks}
    for need in task.needs:
        if stands.get(need) not in _DONE:
            return Status.SKIPPED, f"it needs {need}, which is {stands.get(need, 'no part of this run')}"
    unknown = next((one.id for one in record.tasks if one.status is Status.UNKNOWN), "")
    if unknown:
        return Status.SKIPPED, f"nobody knows how {unknown} ended"
    refused = gate.unproven(drive.context, drive.routine) if drive.kind(task).task_class in _CHANGING else None
    return (Status.FAILED, str(refused)) if refused else None


def _answered(drive: Drive, task: Task) -> bool:
    """Take the answer of a person, or park the run until there is one."""
    record = drive.record
    answer = answer_to(record, task.id)
    if answer:
        said = f"{answer.by}: {answer.text}" if answer.text else answer.by
        drive.end(task.id, Status.CHANGED if answer.yes else Status.FAILED, f"{'signed' if answer.yes else 'declined'} by {said}")
        return True
    if expired(drive, task):
        drive.end(task.id, Status.FAILED, f"nobody answered within {task.params.expires}")
        return True
    why = bracket.leave(drive)  # nobody is waited for inside a bracket
    if why or drive.record.turned:
        drive.end(task.id, Status.SKIPPED, why or f"the run takes back: {drive.record.turned}")
        return True
    drive.write(
        events.RUN_PARKED, {"because": f"{task.id} waits for a person: mainstay sign {record.id} {task.id} --name NAME"}, task.id
    )
    return False


def _approved(drive: Drive, task: Task) -> bool:
    """Return whether a task may act: of level "manual", or "approve" where nobody attends, only after a person has said yes."""
    record = drive.record
    asks = task.level == "manual" or (task.level == "approve" and not record.attended)
    if not asks or record.task(task.id).steps:
        return True
    answer = answer_to(record, task.id)
    if answer and not answer.yes:
        drive.end(task.id, Status.FAILED, f"declined by {answer.by}: {answer.text}".rstrip(": "))
    if answer:
        return answer.yes
    made = _look_and_plan(drive, task)
    if not made.steps or _kept_out(drive, task, made, plan.duration(drive.context, task)):
        return True
    why = bracket.leave(drive)  # nobody is waited for inside a bracket
    if why or drive.record.turned:
        drive.end(task.id, Status.SKIPPED, why or f"the run takes back: {drive.record.turned}")
        return False
    asked = f"{len(made.steps)} steps, impact {made.impact.name.lower()}"
    what = "a person who starts it" if task.level == "manual" else "approval"
    drive.write(events.RUN_PARKED, {"because": f"{task.id} waits for {what} ({asked}): mainstay plan {task.id}"}, task.id)
    return False


def answer_to(record: RunRecord, task: str) -> Remark | None:
    """Return what a person answered to an item, or None."""
    return next((remark for remark in reversed(record.remarks) if remark.act == "signed" and remark.on == task), None)


def expired(drive: Drive, task: Task) -> bool:
    """Return whether an item has waited for longer than it may; its parameter `expires` says how long, 0 for ever."""
    asked, may = drive.record.task(task.id), task.params.expires
    return bool(may and asked.began and (clock.now() - asked.began).total_seconds() > may)


def _brackets(drive: Drive, task: Task) -> str:
    """Put the brackets in force if what the task would do now needs them; return why that failed."""
    if not drive.routine.around or not bracket.needed(drive.kind(task).highest_impact(task.target.settings, task.params)):
        return ""
    record = drive.record.task(task.id)
    if record.steps:
        made, reason = record.plan, None
    else:
        made = _look_and_plan(drive, task)
        reason = _kept_out(drive, task, made, plan.duration(drive.context, task))
    return bracket.enter(drive) if made and bracket.needed(made.impact) and not reason else ""


def _look_and_plan(drive: Drive, task: Task) -> Plan:
    with observe.session(drive.context, task, Door(task.target.place)) as session:
        return plan.make(drive.context, task, drive.kind(task).observe(session), f"{drive.record.id}.{task.id}")


def _work(drive: Drive, task: Task) -> None:
    until = clock.Deadline(task.budget) if task.budget else None
    with observe.session(drive.context, task, drive.looking(task)) as session:
        if drive.record.task(task.id).steps:
            _close(drive, task, session, _steps(drive, task, session, until))
            return
        began = clock.now()
        facts = drive.kind(task).observe(session)
        found = observe.findings(drive.context, task, facts)
        observe.remember(drive.context, task, began, facts, found)
        made = _pin(drive, task, session, facts, began)
        if made and made.steps:
            _close(drive, task, session, _steps(drive, task, session, until))
        elif made:
            drive.end(task.id, Status.FAILED if made.missed else Status.OK, made.missed, found)


def _pin(drive: Drive, task: Task, session: Session, facts: Any, began: datetime) -> Plan | None:
    """Decide and pin the plan, unless a gate keeps it out; then the task is deferred."""
    made = plan.make(drive.context, task, facts, f"{drive.record.id}.{task.id}")
    expected = plan.duration(drive.context, task)
    reason = _kept_out(drive, task, made, expected)
    drive.write(events.TASK_PLANNED, {"plan": encode(made), "forecast": expected, "began": encode(began)}, task.id)
    if reason:
        drive.end(task.id, Status.DEFERRED, str(reason))
        return None
    if missing := plan.lacking(drive.context, task, session, made):
        drive.end(task.id, Status.FAILED, f"it could not be taken back: {'; '.join(missing)}")
        return None
    return made


def _kept_out(drive: Drive, task: Task, made: Plan, expected: Duration | None) -> Because | None:
    """Return which gate keeps a plan out, and why."""
    record = drive.record
    if not record.emergency and (reason := gate.blacked_out(drive.context, task, made, expected)):
        return reason
    reason = gate.fits(made, expected, measured.with_rollback(drive.context, drive.routine), record.slot)
    if reason or not record.attended:
        return reason or _frozen(drive, task, made) or gate.allowed(drive.context, drive.routine, made, record.slot)
    if not record.emergency and (reason := gate.outside(drive.context, made.impact)):
        return reason
    others = (one for one in record.tasks if one.id != task.id and not one.bracket and one.status is not Status.DEFERRED)
    return gate.consented(made, record.envelope, [one.plan for one in others if one.plan])


def _frozen(drive: Drive, task: Task, made: Plan) -> Because | None:
    return freeze.frozen(drive.context, task) if made.steps else None


def _steps(drive: Drive, task: Task, session: Session, until: clock.Deadline | None) -> str:
    """Do the steps that are left, in order; return why some are not done, or never could be, "" when all are.

    Steps that can be taken back belong together: the first failure ends them. Others (the backup of each target, say) go on,
    except those that need a step that is not done.
    """
    made = drive.record.task(task.id).plan
    assert made is not None
    together = any(isinstance(step.reverse, Undo) for step in made.steps)
    missing: dict[str, str] = {}
    for step in made.steps:
        needed = next((need for need in step.needs if need in missing), "")
        if needed:
            missing[step.id] = f"{step.action} {shown(step.on)} needs {needed}"
            continue
        why = _step(drive, task, session, step, until)
        if why is None:
            continue
        if together or drive.record.turned or drive.stop() or task.id in drive.cut:
            return why
        if _is_unknown(drive, task.id) or _late(until):
            return why
        missing[step.id] = why
    return "; ".join(filter(None, (*missing.values(), made.missed)))


def _step(drive: Drive, task: Task, session: Session, step: Step, until: clock.Deadline | None) -> str | None:
    """Do one step unless it is done; return why it is not, None when it is."""
    done = latest(drive.record.task(task.id)).get(step.id)
    if done and done.status is Status.CHANGED:
        return None
    if done and done.status is not Status.PENDING:
        return done.because or f"{step.action} was taken back"
    if drive.record.turned or drive.stop():
        return drive.record.turned or "the run was cancelled"
    if drive.over(task):
        return _OVER
    if _late(until):
        return _over_budget(task, until)
    if reason := gate.too_late(drive.context, drive.routine, task.id, step, drive.record.slot):
        return str(reason)
    try:
        act.do(drive, task, session, step)
    except MainstayError as error:
        if _is_open(drive, task.id):
            raise  # its end row could not be written: recovery finds out how it ended
        return str(error)  # the look before the act failed: nothing was started
    now = latest(drive.record.task(task.id))[step.id]
    return None if now.status is Status.CHANGED else now.because


def _is_unknown(drive: Drive, task: str) -> bool:
    return any(step.status is Status.UNKNOWN for step in latest(drive.record.task(task)).values())


def _late(until: clock.Deadline | None) -> bool:
    return until is not None and not until.left


def _over_budget(task: Task, until: clock.Deadline | None) -> str:
    """Say that the time that the task was given is used up. Time between a crash and its recovery does not count."""
    took = Duration(clock.monotonic() - until.began if until else 0)
    return str(because("time used", took, ">", task.budget, "budget").at(task.origins.get("budget")))


def _close(drive: Drive, task: Task, session: Session, why: str) -> None:
    """End a task. After a failure, or when it is stopped, its own changes are taken back."""
    steps = latest(drive.record.task(task.id))
    statuses = {step.status for step in steps.values()}
    stopped = drive.stop() or task.id in drive.cut
    held = why.startswith(_HELD)
    broken = not stopped and bool(
        Status.FAILED in statuses or (why and not held and not statuses & {Status.DEFERRED, Status.UNKNOWN})
    )
    if why and task.id in drive.cut and not why.startswith(_OVER):
        why = f"{_OVER}: {why}"
    if broken or (why and stopped):
        why += _take_back(drive, task, session)
    drive.end(task.id, _status(statuses, why, broken=broken, stopped=stopped), why)


def _status(statuses: set[Status], why: str, *, broken: bool, stopped: bool) -> Status:
    if Status.UNKNOWN in statuses:
        return Status.UNKNOWN
    if why and stopped:
        return Status.CANCELLED
    if broken:
        return Status.FAILED
    if why:
        return Status.DEFERRED
    return Status.CHANGED if statuses else Status.OK


def _take_back(drive: Drive, task: Task, session: Session) -> str:
    """Take back the steps of one task, newest first; return what to add to the reason."""
    said = ""
    while True:
        record = drive.record.task(task.id)
        done: list[StepRecord] = [step for step in latest(record).values() if owed.can_be_taken_back(record, step)]
        if not done:
            return said
        status = act.do(drive, task, session, act.undo_step(done[-1].step), undo_of=done[-1].step.id)
        if status is Status.CHANGED:
            said += f"; {done[-1].step.action} was taken back"
        else:
            return said + f"; taking back {done[-1].step.action} failed: {drive.record.task(task.id).steps[-1].because}"
