"""Turn facts into a plan, and a plan into what people are told beforehand: how long, how hard, and what they consent to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil
from typing import Any

from mainstay.engine import measured, observe
from mainstay.engine.context import Context
from mainstay.kinds.kind import Session
from mainstay.ledger import queries
from mainstay.model.because import Because
from mainstay.model.codec import digest, encode
from mainstay.model.errors import MainstayError
from mainstay.model.plan import Envelope, OneWay, Plan, Skip, Step, Undo, shown
from mainstay.model.run import Status, TaskRecord
from mainstay.model.task import Routine, Task
from mainstay.model.units import Duration
from mainstay.schedule import phases
from mainstay.system import clock
from mainstay.system.process import Door

_GROWTH = 1.1  # what is asked for beforehand may have grown by its turn


def make(context: Context, task: Task, facts: Any, name: str) -> Plan:
    """Decide what one task is going to do; every reason gets the line that set its limit."""
    decided = context.task_kind(task).plan(facts, task.params, name)
    privilege = task.target.privilege
    steps = tuple(replace(one, because=_at(task, one.because), privilege=privilege) for one in decided if isinstance(one, Step))
    skips = tuple(replace(item, because=_at(task, item.because)) for item in decided if isinstance(item, Skip))
    return Plan(task.id, clock.now(), steps, skips, digest(facts))


def lacking(context: Context, task: Task, session: Session, plan: Plan) -> tuple[str, ...]:
    """Return what the undos of a plan need and is not there."""
    undone = [step for step in plan.steps if isinstance(step.reverse, Undo)]
    kind = context.task_kind(task)
    return tuple(f"undo of {step.id}: {why}" for step in undone for why in kind.lacking(session, step))


def duration(context: Context, task: Task) -> Duration | None:
    """Return how long a task is expected to take at most: p90 of its history here, else twice its budget, else None."""
    history = sorted(queries.durations(context.journal, task.id))
    if len(history) >= measured.ENOUGH_HISTORY:
        return history[min(len(history) - 1, round(len(history) * 0.9))]
    return Duration(task.budget * 2) if task.budget else None


def needed(context: Context, routine: Routine) -> Duration | None:
    """Return how long a routine is expected to take at most, with rollback and buffer; None when nobody knows it of a task.

    A look counts by its budget alone: it has no history of work, and is over in seconds.
    """
    tasks = [task for task in (*routine.around, *routine.tasks) if task.budget or context.task_kind(task).actions]
    known = {task.id: duration(context, task) for task in tasks}
    times = {id: one for id, one in known.items() if one is not None}
    if len(times) < len(known):
        return None
    around = sum(times[task.id] for task in routine.around if task.id in times)
    work = _phased(context, routine, times) if routine.phases else sum(times[id] for id in known) - around
    kept = measured.with_rollback(context, routine) if routine.rollback else routine
    return Duration(around + work + kept.rollback + kept.buffer)


def _phased(context: Context, routine: Routine, times: dict[str, Duration]) -> float:
    """Return how long the phases last when each task takes what it is expected to, and each phase waits for its time."""
    kept = [replace(one, budget=Duration(sum(times.get(id, 0.0) for id in one.tasks))) for one in routine.phases]
    window = context.site.windows.get(routine.window)
    return phases.length(kept, window.rule) if window else sum(one.budget for one in kept)


def forecast(context: Context, tasks: Iterable[Task]) -> list[TaskRecord]:
    """Observe and plan without doing: what would happen if it ran now. A target that cannot be looked at says why."""
    return [_forecast(context, task) for task in tasks]


def record(context: Context, task: Task, *, bracket: bool = False) -> TaskRecord:
    """Return the record of a task before anything was done about it."""
    return TaskRecord(
        id=task.id,
        target=task.target.name,
        kind=task.target.kind,
        name=task.name,
        task_class=context.task_kind(task).task_class.value,
        category=task.category,
        budget=task.budget,
        bracket=bracket,
        level=task.level,
        on_stop=task.on_stop,
        params=encode(task.params),
    )


def envelope(plans: Sequence[Plan]) -> Envelope | None:
    """Return what a person is asked to consent to, or None when nothing in the plans needs consent."""
    ceilings = reach(plans)
    asked = [(plan, step) for plan in plans for step in plan.steps if step.needs_consent]
    if not asked:
        return None
    return Envelope(
        acts=tuple(sorted({act(plan.task, step) for plan, step in asked})),
        impact=max(step.impact for _, step in asked),
        minutes=ceilings["minutes"] * _GROWTH,
        bytes=ceil(ceilings["bytes"] * _GROWTH),
        rows=ceil(ceilings["rows"] * _GROWTH),
    )


def reach(plans: Iterable[Plan]) -> dict[str, float]:
    """Return how far the steps that need consent reach, by the name of the ceiling."""
    steps = [step for plan in plans for step in plan.steps if step.needs_consent]
    return {
        "minutes": sum(step.deadline for step in steps) / 60,
        "bytes": sum(step.cost.bytes for step in steps),
        "rows": sum(step.missing + (step.cost.rows if isinstance(step.reverse, OneWay) else 0) for step in steps),
    }


def act(task: str, step: Step) -> str:
    """Name an act on an object, as an envelope lists it."""
    return f"{task}: {step.action} {shown(step.on)}"


def _forecast(context: Context, task: Task) -> TaskRecord:
    empty = record(context, task, bracket=context.task_kind(task).bracket)
    try:
        with observe.session(context, task, Door(task.target.place)) as session:
            facts = context.task_kind(task).observe(session)
            plan = make(context, task, facts, f"forecast.{task.id}")
            missing = lacking(context, task, session, plan)
    except MainstayError as error:
        return replace(empty, status=Status.UNKNOWN, because=str(error))
    found = observe.findings(context, task, facts)
    acts = dict.fromkeys(step.action for step in plan.steps)
    estimates = tuple(one for action in acts if (one := measured.act(context, task.id, action)))
    known = replace(empty, forecast=duration(context, task), rehearsed=measured.rehearsed(context, task), estimates=estimates)
    return replace(known, plan=plan, findings=found, lacking=missing)


def _at(task: Task, reason: Because) -> Because:
    return reason.at(task.origins.get(reason.param)) if reason.origin is None else reason
