"""One act: a start row, the act, a look, an end row; and the act that takes it back."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, replace
from typing import Any

from mainstay.engine import owed
from mainstay.engine.drive import Drive, as_session
from mainstay.kinds.kind import Session, TaskKind
from mainstay.ledger import events
from mainstay.model.because import because
from mainstay.model.codec import decode, encode
from mainstay.model.errors import MainstayError, Unknown
from mainstay.model.figure import Figure, Measure, measures
from mainstay.model.plan import OnUnknown, Step, Undo
from mainstay.model.run import Status
from mainstay.model.task import Task
from mainstay.model.units import Duration
from mainstay.system import clock, process
from mainstay.system.clock import Deadline

UNDO = "~undo"  # what is added to the id of a step for the one that takes it back
_TIDY = Duration(120)  # the longest that taking away what a step left may take
_OUTPUT = 16_000  # characters of a step's output that the journal keeps


def do(drive: Drive, task: Task, session: Session, step: Step, undo_of: str = "") -> Status:
    """Do one step. The start row is on disk before anything happens, with what was seen before.

    When the look before it fails, the step is not begun and the error is raised; an undo is owed, so it is written down as
    one that has to be tried again.
    """
    kind = drive.kind(task)
    inside = as_session(session, drive.door(task, step, obey=not undo_of))
    try:
        before = kind.observe(inside, step.on)
    except MainstayError as error:
        if not undo_of:
            raise
        _begin(drive, task, step, None, undo_of)
        return end(drive, task.id, step, Ending(Status.DEFERRED, f"it cannot be looked at now: {error}"))
    _begin(drive, task, step, before, undo_of)
    ending = _alone(drive.tag(task.id, step.id), _attempt(drive, kind, inside, step, before))
    return end(drive, task.id, step, _tidied(kind, as_session(session, drive.door(task, step, obey=False)), step, ending))


@dataclass(frozen=True)
class Ending:
    """How a step ended: the reason unless it is done, the facts after it, and what it wrote."""

    status: Status
    because: str = ""
    after: Any = None
    output: str = ""


def end(drive: Drive, task: str, step: Step, ending: Ending) -> Status:
    """Write the end row of a step; a step that is done may prove that copies can be restored. Return its status."""
    done = ending.status is Status.CHANGED
    held = drive.task(task)
    now = list(drive.kind(held).figures(ending.after)) if done and held and ending.after is not None else []
    begun = next((one for one in reversed(drive.record.task(task).steps) if one.step.id == step.id), None)
    body = {
        "step": step.id,
        "action": step.action,
        "undo_of": begun.undo_of if begun else "",
        "took": (clock.now() - begun.began).total_seconds() if begun and begun.began and done and not ending.because else None,
        "proves": step.proves if done else (),
        "copied": step.copied,
        "rehearses": step.rehearses,
        "measures": _measured(drive, held, step, now),
    }
    drive.write(events.STEP_ENDED, {**encode(body), **encode(ending)}, task)
    if held:
        drive.context.samples.record(held.target.name, clock.now(), now)
    return ending.status


def _measured(drive: Drive, task: Task | None, step: Step, now: list[Figure]) -> tuple[Measure, ...]:
    """Return what an act changed, in figures."""
    if task is None or not now:
        return ()
    kind = drive.kind(task)
    before = [one.before for one in drive.record.task(task.id).steps if one.step.id == step.id][-1]
    return measures(kind.figures(decode(kind.facts, before)), now) if before is not None else ()


def tidy(kind: TaskKind[Any, Any], session: Session, step: Step) -> None:
    """Take away what an attempt that did not finish has left half made."""
    kind.tidy(session, step, Deadline(_TIDY))


def undo_step(done: Step) -> Step:
    """Return the step that takes another one back. It may be started more than once, so an undo must bear that."""
    assert isinstance(done.reverse, Undo)
    return Step(
        id=f"{done.id}{UNDO}",
        action=done.reverse.action,
        on=done.on,
        because=because(f"takes back {done.id}", None),
        impact=done.impact,
        args=done.reverse.args,
        deadline=done.deadline,
        on_unknown=OnUnknown.RERUN,
        privilege=done.privilege,
    )


def _begin(drive: Drive, task: Task, step: Step, before: Any, undo_of: str) -> None:
    under = owed.open_brackets(drive.record)
    body = {"step": encode(step), "before": encode(before), "undo_of": undo_of, "under": under}
    drive.write(events.STEP_STARTED, body, task.id)


def _alone(tag: str, ending: Ending) -> Ending:
    """End what a step that is not done left behind; until all of it is gone, nobody knows how the step ends."""
    if ending.status is Status.CHANGED:
        return ending
    try:
        process.end_tagged(tag)
    except Unknown as error:
        return replace(ending, status=Status.UNKNOWN, because=f"{ending.because}; {error}")
    return ending


def _tidied(kind: TaskKind[Any, Any], session: Session, step: Step, ending: Ending) -> Ending:
    """Take away what an attempt left half made; while that cannot be done, nobody knows how the step ends."""
    if ending.status is Status.CHANGED:
        return ending
    try:
        tidy(kind, session, step)
    except MainstayError as error:
        return replace(ending, status=Status.UNKNOWN, because=f"{ending.because}; what it left cannot be taken away: {error}")
    return ending


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
