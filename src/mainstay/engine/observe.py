"""Open a session to a target, look at it, and judge what was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from mainstay.engine import by_root
from mainstay.engine.context import Context
from mainstay.engine.rehearse import Rehearser
from mainstay.kinds.kind import Session, TaskKind
from mainstay.ledger import queries
from mainstay.ledger.samples import Look
from mainstay.model.because import Finding, Level, because
from mainstay.model.codec import decode, encode
from mainstay.model.errors import MainstayError
from mainstay.model.figure import Figure
from mainstay.model.run import Status, TaskRecord
from mainstay.model.task import Routine, Task
from mainstay.system import clock
from mainstay.system.process import Door


@contextmanager
def session(context: Context, task: Task, door: Door) -> Iterator[Session]:
    """Open the way to a task's target for one turn."""
    kind, task_kind, last = context.kind(task.target), context.task_kind(task), context.samples.last(task.id)
    opened = Session(
        target=task.target,
        door=door,
        last=_previous(task_kind, last),
        held=queries.held(context.journal),
        stores=context.stores(door),
        targets=context.site.targets,
        practice=Rehearser(context.site.routines, context.load, partial(_keep, context)),
        site=context.site.name,
        ledger_head=context.journal.head(),
        progress=lambda done, total, unit: context.listener.progress(task.id, done, total, unit),
        history=partial(context.samples.history, task.target.name),
    )
    if kind.connect is None or by_root.is_needed(task.target):
        yield opened
        return
    with kind.connect(task.target, door) as opened.connection:
        yield opened


def _keep(context: Context, target: str, figure: Figure) -> None:
    context.samples.record(target, clock.now(), [figure])


def _previous(kind: TaskKind[Any, Any], last: Look | None) -> Any:
    """Return the facts of the previous look; those that a version with other facts has kept are as good as none."""
    if last is None or last.facts is None:
        return None
    try:
        return decode(kind.facts, last.facts)
    except (KeyError, TypeError, ValueError):
        return None


def ask(context: Context, target: str, query: str) -> Any:
    """Ask a target a query that an operator wrote, and return its first value; check-config asks whether its kind can do it."""
    found = context.site.targets[target]
    kind = context.kind(found)
    assert kind.connect
    assert kind.scalar
    with kind.connect(found, Door(found.place)) as connection:
        return kind.scalar(connection, query)


def findings(context: Context, task: Task, facts: Any) -> tuple[Finding, ...]:
    """Judge facts; each reason gets the line that set its limit."""
    return _at_their_lines(task, context.task_kind(task).assess(facts, task.params))


def _at_their_lines(task: Task, judged: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(Finding(one.level, one.on, one.because.at(task.origins.get(one.because.param)), one.advice) for one in judged)


def remember(context: Context, task: Task, at: datetime, facts: Any, found: tuple[Finding, ...]) -> tuple[Figure, ...]:
    """Keep a look as the newest of its task, and its figures for their history; return those."""
    figures = tuple(context.task_kind(task).figures(facts))
    context.samples.remember(Look(task.id, at, encode(facts), found))
    context.samples.record(task.target.name, at, figures)
    return figures


@dataclass(frozen=True)
class Checked:
    """A look at a target: its record, the facts as JSON (None when it cannot be looked at), and its figures."""

    record: TaskRecord
    facts: Any
    figures: tuple[Figure, ...]


def check(context: Context, task: Task) -> Checked:
    """Look at a target."""
    kind, began = context.task_kind(task), clock.now()
    facts: Any = None
    figures: tuple[Figure, ...] = ()
    try:
        with session(context, task, Door(task.target.place)) as opened:
            seen = kind.observe(opened)
        found, facts, why = findings(context, task, seen), encode(seen), ""
        figures = remember(context, task, began, seen, found)
    except MainstayError as error:
        found, why = (Finding(Level.UNKNOWN, task.target.name, because(str(error), None)),), str(error)
        context.samples.remember(Look(task.id, began, None, found))
    worst = max((one.level for one in found), default=Level.OK)
    status = {Level.OK: Status.OK, Level.WARNING: Status.OK, Level.CRITICAL: Status.FAILED, Level.UNKNOWN: Status.UNKNOWN}[worst]
    record = TaskRecord(
        id=task.id,
        target=task.target.name,
        kind=task.target.kind,
        name=task.name,
        task_class=kind.task_class.value,
        category=task.category,
        status=status,
        because=why,
        began=began,
        ended=clock.now(),
        findings=found,
    )
    return Checked(record, facts, figures)


def compared(context: Context, task: Task, before: Any) -> Checked:
    """Look at a target, and compare with the facts of a look before, as JSON; without any that can be read, nothing is worse.

    A look that is worse and yet passes by itself has `regressed`: it fails, which alone is no reason to take anything back.
    """
    seen, kind = check(context, task), context.task_kind(task)
    if before is None or seen.facts is None:
        return seen
    try:
        judged = kind.worsened(decode(kind.facts, before), decode(kind.facts, seen.facts), task.params)
    except (KeyError, TypeError, ValueError):
        return seen
    found = _at_their_lines(task, judged)
    record = replace(seen.record, findings=(*seen.record.findings, *found))
    if seen.record.status is Status.OK and any(one.level >= Level.CRITICAL for one in found):
        record = replace(record, status=Status.FAILED, regressed=True)
    return replace(seen, record=record)


def checks_of(context: Context, routine: Routine) -> list[Task]:
    """Return the check task of every target that a routine touches, then the looks and checks that it names itself."""
    targets = {task.target.name: task.target for task in (*routine.around, *routine.tasks)}
    named = {task.id: task for task in (*routine.looks, *routine.checks)}
    usual = (check_of(context, name) for name in targets)
    return [*(task for task in usual if task and task.id not in named), *named.values()]


def check_of(context: Context, target: str) -> Task | None:
    """Return the task `check` of a target, or None where its kind has none."""
    found = context.site.targets[target]
    kind = context.kind(found)
    if "check" not in kind.names:
        return None
    return Task(
        f"{target}.check",
        found,
        "check",
        kind.task("check").params(),
        category=kind.category,
        origin=found.origin,
        origins=found.origins,
    )
