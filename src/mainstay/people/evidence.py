"""What is kept before anything is mended: a fix destroys what it was found by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainstay import config
from mainstay.engine import observe
from mainstay.engine.context import Context
from mainstay.kinds import registry
from mainstay.ledger import queries
from mainstay.model.codec import canonical
from mainstay.model.emergency import Evidence, Seen
from mainstay.model.run import RunRecord, Status
from mainstay.model.task import Task
from mainstay.model.units import Size
from mainstay.system import clock

_LARGEST = Size(256 * 1024)  # facts of one look that are kept whole
_RUNS = 50  # among which recent changes are looked for
_CHANGES = 10


def collect(context: Context, why: str, ids: Sequence[str] = ()) -> Evidence:
    """Look at every target now, or with these tasks alone, and name what changed last."""
    at = clock.now()
    tasks = [config.task(context.site, registry, id) for id in ids] or _checks(context)
    looks = tuple(_look(context, task) for task in tasks)
    recent = queries.recent(context.journal, _RUNS)
    changed = tuple(run.id for run in recent if _changed(run))[:_CHANGES]
    return Evidence(at, why, looks, changed, tuple(run.id for run in queries.unsettled(context.journal)))


def _checks(context: Context) -> list[Task]:
    return [task for name in context.site.targets if (task := observe.check_of(context, name))]


def _look(context: Context, task: Task) -> Seen:
    found = observe.check(context, task)
    at = found.record.began or clock.now()
    return Seen(task.id, at, found.record.findings, found.figures, _kept(found.facts))


def _kept(facts: Any) -> Any:
    return facts if facts is None or len(canonical(facts)) <= _LARGEST else None


def _changed(run: RunRecord) -> bool:
    return any(step.status in (Status.CHANGED, Status.UNDONE) for task in run.tasks for step in task.steps)
