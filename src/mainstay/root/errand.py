"""One errand of the root unit: a look, an act, or tidying after one, for a run of the service.

The ledger here is the unit's own. A look at all of a target for a run is planned from at once, and that plan is kept: whatever
is asked later for that run has to be in it. So a step is never taken from who asks, and a later step of a plan stays allowed
when the earlier ones have changed what there is to see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from mainstay import config
from mainstay.engine import act, observe, plan
from mainstay.engine.by_root import Question
from mainstay.engine.context import Context
from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.ledger import events
from mainstay.model.codec import decode, digest, encode
from mainstay.model.errors import MainstayError, Refused
from mainstay.model.plan import Plan, Step, Undo
from mainstay.model.task import Task
from mainstay.model.units import Duration
from mainstay.system import clock, locks, process
from mainstay.system.clock import Deadline
from mainstay.system.process import Door

PATIENCE = Duration(20)  # for an errand of the same target, which stops when whoever asked for it is gone
FRESH, UNDOABLE = timedelta(days=1), timedelta(days=90)  # the age of a plan whose steps are done, and are taken back
_RUN = re.compile(r"\d{8}T\d{6}-[A-Za-z][A-Za-z0-9_.-]{0,130}-[0-9a-f]{4}")  # it names files: see `engine.run.new_id`
_WORDS = ("because", "cost")  # of a step: what people read, and what grows while they do


@dataclass(frozen=True)
class Own:
    """What this unit knows by itself of a task in a run: the task as configured, its plans, newest first, and the steps begun.

    outdated  when the plans were made that the configuration has changed since
    """

    task: Task
    plans: tuple[Plan, ...]
    begun: frozenset[str]
    outdated: frozenset[datetime]


def do(context: Context, asked: Question, gone: Callable[[], bool]) -> dict[str, Any]:
    """Do what is asked and return the answer; Refused when it is not on a plan of our own. `gone`: nobody wants it any more."""
    if asked.do == "look":
        return {"facts": encode(_look_at_one(context, asked, gone) if asked.on else _look(context, asked, gone))}
    return _act(context, asked, gone) if asked.do == "act" else _tidy(context, asked, gone)


def told(error: MainstayError) -> dict[str, str]:
    """Return an error as it is sent."""
    because = error.because or "; ".join(str(one) for one in getattr(error, "mistakes", ()))
    return {"kind": type(error).__name__, "what": error.what, "on": error.on, "because": because, "next": error.next}


def _look(context: Context, asked: Question, gone: Callable[[], bool]) -> Any:
    """Look at all of a target, and plan when it is for a run."""
    task, began = _configured(context, asked), clock.now()
    if asked.run and not _RUN.fullmatch(asked.run):
        raise Refused("that is not the name of a run", on=asked.run)
    door = Door(task.target.place, stop=gone)
    with observe.session(context, task, door) as session:
        session.held |= frozenset(asked.held)
        facts = context.task_kind(task).observe(session)
    observe.remember(context, task, began, facts, ())
    if asked.run:
        made = plan.make(context, task, facts, f"{asked.run}.{task.id}")
        body = {"params": encode(task.params), "settings": digest(task.target.settings), "plan": encode(made)}
        context.journal.append(events.ROOT_PLANNED, body, run=asked.run, task=task.id)
    return facts


def _look_at_one(context: Context, asked: Question, gone: Callable[[], bool]) -> Any:
    """Look at the object of a step; not while an errand may still be at work on it."""
    own = _own(context, asked)
    if asked.on not in {step.on for made in own.plans for step in made.steps}:
        raise Refused("no step of our plan is about that", on=" ".join(asked.on or ()), because=_planned(own))
    with _alone(context, asked, own, gone) as session:
        return context.task_kind(own.task).observe(session, asked.on)


def _act(context: Context, asked: Question, gone: Callable[[], bool]) -> dict[str, Any]:
    """Do a step of our own, and look what it led to; it is journaled before, and after."""
    own = _own(context, asked)
    step = _in_time(own, *_own_step(own, asked))
    kind, write = context.task_kind(own.task), partial(context.journal.append, run=asked.run, task=own.task.id)
    with _alone(context, asked, own, gone) as session:
        write(events.ROOT_BEGAN, {"step": step.id})
        try:
            deferred = kind.apply(session, step, Deadline(min(step.deadline, asked.left)))
        except MainstayError as error:
            write(events.ROOT_ENDED, {"step": step.id, "because": str(error)})
            process.end_tagged(session.door.tag)
            return {"error": told(error), "output": session.output}
        write(events.ROOT_ENDED, {"step": step.id, "because": str(deferred.because) if deferred else ""})
        after = None if deferred else encode(kind.observe(session, step.on))
        return {"deferred": encode(deferred.because) if deferred else None, "after": after, "output": session.output}


def _tidy(context: Context, asked: Question, gone: Callable[[], bool]) -> dict[str, Any]:
    """Take away what a step of our own has left; one that was refused, or never asked for, has left nothing."""
    known = context.journal.events(run=asked.run, task=asked.task, kinds=(events.ROOT_BEGAN,)) if asked.run else ()
    if asked.step and asked.step.id in {event.body["step"] for event in known}:
        own = _own(context, asked)
        step, _ = _own_step(own, asked)
        with _alone(context, asked, own, gone) as session:
            act.tidy(context.task_kind(own.task), session, step)
    return {}


@contextmanager
def _alone(context: Context, asked: Question, own: Own, gone: Callable[[], bool]) -> Iterator[Session]:
    """End what an errand of this task that was killed has left, take its locks, and open the way to its target."""
    task, tag = own.task, f"root {asked.run}/{own.task.id}"
    process.end_tagged(tag)
    needs = context.task_kind(task).locks(context.resource(task.target), task.params)
    with locks.acquire_all(context.locks, needs, f"run {asked.run}", PATIENCE) as held:
        door = Door(task.target.place, tag, tuple(one.fd for one in held), gone)
        with observe.session(context, task, door) as session:
            session.held |= frozenset(asked.held)
            yield session


def _configured(context: Context, asked: Question) -> Task:
    """Return the task as the configuration has it, in a routine or by itself; Refused when it has none with these parameters."""
    site, alone = context.site, _task(context, asked.task)
    tasks = (task for one in site.routines.values() for task in (*one.around, *one.tasks, *one.checks) if task.id == alone.id)
    known = [*tasks, alone]
    found = next((task for task in known if encode(task.params) == asked.params), None)
    if found is None:
        because = "; ".join(_differing(asked.params, encode(known[0].params), "params"))
        next_ = "reload the service if the configuration was changed; what it does not say has to be run as root"
        raise Refused("the configuration has no such task with these parameters", on=asked.task, because=because, next=next_)
    return found


def _task(context: Context, id: str) -> Task:
    """Return a task by itself, of a target that is to be worked on as root."""
    found = config.task(context.site, registry, id)
    if found.target.privilege != "root":
        raise Refused("the configuration does not say `privilege: root`", on=found.target.name, because=str(found.target.origin))
    return found


def _own(context: Context, asked: Question) -> Own:
    """Return what we know of a task in a run; Refused when we have never planned it."""
    kinds = (events.ROOT_PLANNED, events.ROOT_BEGAN)
    known = list(context.journal.events(run=asked.run, task=asked.task, kinds=kinds)) if asked.run else []
    planned = [event for event in reversed(known) if event.kind == events.ROOT_PLANNED]
    if not planned:
        raise Refused("this was never planned here", on=f"{asked.task} in run {asked.run or 'none'}")
    task = _task(context, asked.task)
    params: Any = decode(context.task_kind(task).params, planned[0].body["params"])
    begun = frozenset(event.body["step"] for event in known if event.kind == events.ROOT_BEGAN)
    plans = [(event.body["settings"], decode(Plan, event.body["plan"])) for event in planned]
    now = digest(task.target.settings)
    outdated = frozenset(made.made_at for settings, made in plans if settings != now)
    return Own(replace(task, params=params), tuple(made for _, made in plans), begun, outdated)


def _own_step(own: Own, asked: Question) -> tuple[Step, Plan]:
    """Return our own step that equals the one that is asked for, or the undo of one that we began; else say what differs."""
    wanted = asked.step
    if wanted is None:
        raise Refused("no step is named", on=asked.task)
    taken_back = wanted.id.removesuffix(act.UNDO)
    if taken_back != wanted.id and taken_back not in own.begun:
        raise Refused("it was never begun here, so it is not taken back", on=f"{asked.task} {taken_back}")
    differing = f"our plan has no step {wanted.id!r}: {_planned(own)}"
    for made in own.plans:
        for step in _steps(made):
            if step.id != wanted.id:
                continue
            found = list(_differing(_compared(wanted), _compared(step), "step"))
            if not found:
                return step, made
            differing = "; ".join(found)
    raise Refused("this step is not one of our own plan", on=f"{asked.task} {wanted.id}", because=differing)


def _in_time(own: Own, step: Step, made: Plan) -> Step:
    """Return a step, unless its plan is too old for it or the configuration is another now; what was begun may be taken back."""
    undo = step.id.endswith(act.UNDO)
    if clock.now() - made.made_at > (UNDOABLE if undo else FRESH):
        raise Refused("the plan is too old", on=f"{made.task} {step.id}", because=f"made at {made.made_at:%Y-%m-%d %H:%M} UTC")
    if made.made_at in own.outdated and not undo:
        raise Refused("the configuration has changed since this was planned", on=f"{made.task} {step.id}", next="run it anew")
    return step


def _steps(made: Plan) -> Iterator[Step]:
    """Yield the steps of a plan, each with the one that takes it back."""
    for step in made.steps:
        yield step
        if isinstance(step.reverse, Undo):
            yield act.undo_step(step)


def _compared(step: Step) -> dict[str, Any]:
    return {name: value for name, value in encode(step).items() if name not in _WORDS}


def _differing(asked: Any, own: Any, path: str) -> Iterator[str]:
    """Yield each part in which what is asked for is not what we have."""
    if isinstance(asked, dict) and isinstance(own, dict):
        for key in sorted(asked.keys() | own.keys()):
            yield from _differing(asked.get(key), own.get(key), f"{path}.{key}")
    elif asked != own:
        yield f"{path}: {_short(asked)} is asked for, here it is {_short(own)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _planned(own: Own) -> str:
    return f"it has {', '.join(step.id for step in own.plans[0].steps) or 'none'}"
