"""Brackets that a person has put in force by hand: when they may be lifted without that person."""

from __future__ import annotations

from mainstay.engine import gate, owed, verify
from mainstay.engine.context import Context
from mainstay.engine.drive import Drive
from mainstay.ledger import events, queries
from mainstay.model.run import RunRecord
from mainstay.model.task import Routine


def kept(context: Context, record: RunRecord, routine: Routine) -> str:
    """Return why a run whose time is over keeps its brackets in force; "" when they may be lifted, or a person wants it.

    Nobody knows what was done by hand meanwhile. So a check that has become bad since then keeps them, and so does a run that
    began under them: one that is at work, or one that died and owes something.
    """
    if record.standing is None or context.journal.exists(record.id, events.RUN_CANCELLED):
        return ""
    for other in queries.unsettled(context.journal):
        if other.id != record.id and other.began > record.began and _matters(context, record, other):
            return f"run {other.id}, which began under it, is not settled"
    failed = verify.failing(Drive(context, routine, record, 0))
    return f"a check fails: {failed}" if failed else ""


def of_target(context: Context, target: str) -> RunRecord | None:
    """Return the run by which a bracket of a target, or the one of that task id, is in force by hand; None when there is none."""
    return next((run for run in queries.unsettled(context.journal) if _stands(run, target)), None)


def _matters(context: Context, record: RunRecord, other: RunRecord) -> bool:
    shared = {task.id for task in record.tasks} & {task.id for task in other.tasks if task.bracket}
    return bool(shared) if gate.alive(context, other.id) else gate.abandoned(context, other.id) is not None


def _stands(run: RunRecord, target: str) -> bool:
    return run.standing is not None and any(target in (task.target, task.id) for task in run.tasks if owed.in_force(task))
