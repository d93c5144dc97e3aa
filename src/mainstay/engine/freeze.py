"""While an emergency is open, what was only scheduled stays away; copies and looks go on."""

from __future__ import annotations

from mainstay.engine.context import Context
from mainstay.ledger import emergencies
from mainstay.model.because import Because, because
from mainstay.model.errors import Refused
from mainstay.model.task import Routine, Task, TaskClass

UNTIL = "it runs again when the emergency is closed; mainstay emergency mode off lets it run meanwhile"
_EXEMPT = frozenset({TaskClass.BACKUP, TaskClass.CHECK})


def frozen(context: Context, task: Task) -> Because | None:
    """Return why an unattended task must not act now: an emergency is open."""
    if context.task_kind(task).task_class in _EXEMPT:
        return None
    always = context.site.emergencies.freeze
    found = [one for one in emergencies.still_open(context.journal) if one.mode or (always and not one.thawed)]
    return because(f"an emergency is open: {found[0].id}", found[0].reason) if found else None


def refuse(context: Context, routine: Routine) -> None:
    """Raise Refused when nothing of a scheduled routine might be done now."""
    reasons = [frozen(context, task) for task in routine.tasks]
    if reasons and all(reasons):
        raise Refused("frozen", on=routine.name, because=str(reasons[0]), next=UNTIL)
