"""What a run owes, read from its record alone: a bracket to lift, a change to take back, a step nobody knows about."""

from __future__ import annotations

from mainstay.model.plan import OnUnknown, Undo
from mainstay.model.run import RunRecord, Status, StepRecord, TaskRecord

Change = tuple[TaskRecord, StepRecord]


def reason(record: RunRecord) -> str:
    """Return the first thing that a run still owes; "" when nothing."""
    for task in record.tasks:
        for step in task.steps:
            if step.status is Status.RUNNING:
                return f"{task.id} {step.step.action} was interrupted"
            if _nobody_knows(task, step):
                return f"nobody knows whether {task.id} {step.step.action} happened"
        if task.bracket and in_force(task):
            return f"{task.id} is still in force"
    return stuck(record) or next((f"{task.id} {step.step.action} is to be taken back" for task, step in due(record)), "")


def unreviewed(record: RunRecord) -> list[str]:
    """Return the tasks that did something which a person has yet to look at, or has looked at and declined."""
    reviewed = {remark.on for remark in record.remarks if remark.act == "signed" and remark.yes}
    done = (task for task in record.tasks if task.level == "review" and task.status is Status.CHANGED)
    return [task.id for task in done if task.id not in reviewed and not record.attended]


def payable(record: RunRecord) -> bool:
    """Return whether something that is owed may be paid without a person."""
    steps = [(task, step) for task in record.tasks for step in task.steps]
    again = any(step.status is Status.RUNNING or may_look_again(task, step) for task, step in steps)
    return again or (not (record.turned and stuck(record)) and bool(open_brackets(record) or due(record)))


def open_brackets(record: RunRecord) -> list[str]:
    """Return the ids of the brackets that are in force, outer first."""
    return [task.id for task in record.tasks if task.bracket and in_force(task)]


def in_force(bracket: TaskRecord) -> StepRecord | None:
    """Return the step of a bracket that has to be taken back, if any: it was started and its undo is not done."""
    steps = [step for step in bracket.steps if step.step.is_bracket and not step.undo_of]
    owing = [step for step in steps if step.status in (Status.CHANGED, Status.FAILED, Status.UNKNOWN, Status.RUNNING)]
    return next((step for step in reversed(owing) if not taken_back(bracket, step.step.id)), None)


def changes(record: RunRecord) -> list[Change]:
    """Return the steps of all tasks that can be taken back, in the order in which they were done."""
    tasks = (task for task in record.tasks if not task.bracket)
    return [(task, step) for task in tasks for step in task.steps if not step.undo_of and can_be_taken_back(task, step)]


def due(record: RunRecord) -> list[Change]:
    """Return the changes that have to be taken back: all of a run that has turned, else those where that was begun."""
    return [(task, step) for task, step in changes(record) if record.turned or _to_be_ended(task, step)]


def touched(record: RunRecord) -> bool:
    """Return whether an act was begun under the brackets that may have changed something, even if it was taken back."""
    began = (step.status for task in record.tasks if not task.bracket for step in task.steps)
    return any(status not in (Status.PENDING, Status.DEFERRED) for status in began)


def stuck(record: RunRecord) -> str:
    """Return which undo of a change was tried and failed, so that a person has to look before it is tried again."""
    for task, step in changes(record):
        failed = _failed(task, step)
        if failed:
            return f"taking back {task.id} {step.step.action} failed: {failed}"
    return ""


def can_be_taken_back(task: TaskRecord, done: StepRecord) -> bool:
    """Return whether a step was done, at least in part, and has an undo for failures that is not done yet."""
    reverse = done.step.reverse
    undoable = isinstance(reverse, Undo) and reverse.when == "on_failure"
    return undoable and done.status in (Status.CHANGED, Status.FAILED) and not taken_back(task, done.step.id)


def taken_back(task: TaskRecord, step: str) -> bool:
    """Return whether the undo of a step has been done."""
    return any(one.undo_of == step and one.status is Status.CHANGED for one in task.steps)


def may_look_again(task: TaskRecord, step: StepRecord) -> bool:
    """Return whether a look may still tell what nobody knows about a step."""
    return _nobody_knows(task, step) and step.step.on_unknown is OnUnknown.PROBE


def _nobody_knows(task: TaskRecord, step: StepRecord) -> bool:
    return step.status is Status.UNKNOWN and not taken_back(task, step.undo_of or step.step.id)


def _to_be_ended(task: TaskRecord, step: StepRecord) -> bool:
    return any(one.undo_of == step.step.id for one in task.steps) and not _failed(task, step)


def _failed(task: TaskRecord, step: StepRecord) -> str:
    failed = [one.because for one in task.steps if one.undo_of == step.step.id and one.status is Status.FAILED]
    return failed[-1] if failed else ""
