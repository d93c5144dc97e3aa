"""What earlier runs have measured: how long each act takes, and how long taking everything back took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from mainstay.engine.context import Context
from mainstay.engine.rehearse import took_of
from mainstay.ledger import queries
from mainstay.model.run import Estimate
from mainstay.model.task import Routine, Task
from mainstay.model.units import Duration

ENOUGH_HISTORY = 5


def act(context: Context, task: str, action: str) -> Estimate | None:
    """Return how long an act of a task usually takes, and at most; None before it was done often enough."""
    history = sorted(queries.step_durations(context.journal, task, action))
    if len(history) < ENOUGH_HISTORY:
        return None
    return Estimate(action, _at(history, 0.5), _at(history, 0.95), len(history))


def rehearsed(context: Context, task: Task) -> Duration | None:
    """Return how long a task took on a copy at its newest rehearsal; None when it was never rehearsed well."""
    name = took_of(task.name)
    known = context.samples.history(task.target.name, names=[name]).get(name)
    return Duration(known.points[-1][1]) if known and known.points else None


def rollback(context: Context, routine: str) -> Duration | None:
    """Return the longest that taking back a run of a routine took, in rollbacks, drills and failures; None: never measured.

    What always has to be taken back, a maintenance mode say, is no rollback.
    """
    took: defaultdict[str, float] = defaultdict(float)
    for event in queries.undone(context.journal, routine):
        took[event.run] += event.body["took"]
    return Duration(max(took.values())) if took else None


def with_rollback(context: Context, routine: Routine) -> Routine:
    """Return a routine that keeps as much time for its rollback as one has taken, where that is more than it says."""
    known = rollback(context, routine.name)
    return replace(routine, rollback=known) if known and known > routine.rollback else routine


def _at(history: list[Duration], share: float) -> Duration:
    return history[min(len(history) - 1, round(len(history) * share))]
