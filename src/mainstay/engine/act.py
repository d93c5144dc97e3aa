"""One act: a start row, the act, a look, an end row; and the act that takes it back."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Any

from mainstay.engine.drive import Drive, as_session, taken_back, undo_failed
from mainstay.kinds.kind import Session, TaskKind
from mainstay.ledger import events
from mainstay.model.because import because
from mainstay.model.codec import encode
from mainstay.model.errors import MainstayError, Unknown
from mainstay.model.plan import OnUnknown, Step, Undo
from mainstay.model.run import Status, StepRecord, TaskRecord
from mainstay.model.task import Task
from mainstay.system import process
from mainstay.system.clock import Deadline

_OUTPUT = 16_000  # characters of a step's output that the journal keeps


def do(drive: Drive, task: Task, session: Session, step: Step, undo_of: str = "") -> Status:
    """Do one step. The start row is on disk before anything happens, with what was seen before."""
    kind = drive.kind(task)
    inside = as_session(session, drive.door(task, step, obey=not undo_of))
    before = kind.observe(inside, step.on)
    under = open_brackets(drive)
    started = {"step": encode(step), "before": encode(before), "undo_of": undo_of, "under": under}
    drive.write(events.STEP_STARTED, started, task.id)
    ending = _attempt(drive, kind, inside, step, before)
    if ending.status is not Status.CHANGED:
        process.end_tagged(drive.tag(task.id, step.id))
    end(drive, task.id, step, ending)
    return ending.status


@dataclass(frozen=True)
class Ending:
    """How a step ended: the reason unless it is done, the facts after it, and what it wrote."""

    status: Status
    because: str = ""
    after: Any = None
    output: str = ""


def end(drive: Drive, task: str, step: Step, ending: Ending) -> None:
    """Write the end row of a step; a step that is done may prove that copies can be restored."""
    proves = step.proves if ending.status is Status.CHANGED else ()
    drive.write(events.STEP_ENDED, {"step": step.id, "proves": proves, **encode(ending)}, task)


def undo_step(done: Step) -> Step:
    """Return the step that takes another one back. It may be started more than once, so an undo must bear that."""
    assert isinstance(done.reverse, Undo)
    return Step(
        id=f"{done.id}~undo",
        action=done.reverse.action,
        on=done.on,
        because=because(f"takes back {done.id}", None),
        impact=done.impact,
        args=done.reverse.args,
        deadline=done.deadline,
        on_unknown=OnUnknown.RERUN,
    )


def can_be_taken_back(task: TaskRecord, done: StepRecord) -> bool:
    """Return whether a step was done, at least in part, and has an undo for failures that was not tried yet."""
    reverse = done.step.reverse
    return (
        isinstance(reverse, Undo)
        and reverse.when == "on_failure"
        and done.status in (Status.CHANGED, Status.FAILED)
        and not taken_back(task, done.step.id)
        and not undo_failed(task, done.step.id)
    )


def open_brackets(drive: Drive) -> list[str]:
    """Return the ids of the brackets that are in force, outer first."""
    return [task.id for task in drive.record.tasks if task.bracket and in_force(task)]


def in_force(bracket: TaskRecord) -> StepRecord | None:
    """Return the step of a bracket that has to be taken back, if any: it was started and its undo is not done."""
    steps = [step for step in bracket.steps if step.step.is_bracket and not step.undo_of]
    owing = [step for step in steps if step.status in (Status.CHANGED, Status.FAILED, Status.UNKNOWN, Status.RUNNING)]
    return next((step for step in reversed(owing) if not taken_back(bracket, step.step.id)), None)


def _attempt(drive: Drive, kind: TaskKind[Any, Any], session: Session, step: Step, before: Any) -> Ending:
    try:
        deferred = kind.apply(session, step, Deadline(step.deadline))
        if deferred:
            return Ending(Status.DEFERRED, str(deferred.because))
        after = kind.observe(session, step.on)
        why = kind.verify(before, after, step)
    except Unknown as error:
        return Ending(Status.UNKNOWN, str(error), None, _said(session))
    except MainstayError as error:
        return Ending(Status.FAILED, str(error), None, _said(session))
    except Exception as bug:  # the one broad except: what is owed is paid first, then the bug is raised again
        drive.bug = bug
        where = traceback.extract_tb(bug.__traceback__)[-1]
        return Ending(Status.FAILED, f"a bug: {type(bug).__name__} in {where.name} ({where.filename}:{where.lineno})")
    return Ending(Status.FAILED if why else Status.CHANGED, f"not proven: {why}" if why else "", after, _said(session))


def _said(session: Session) -> str:
    return "\n".join(session.output)[:_OUTPUT]
