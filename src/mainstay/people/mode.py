"""The emergency mode: users see that something is broken, scheduled runs stand still; one way takes all of it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Protocol

from mainstay.engine import owed
from mainstay.engine.context import Context
from mainstay.ledger import events
from mainstay.model.codec import encode
from mainstay.model.emergency import Emergency
from mainstay.model.errors import MainstayError, Refused, StepFailed
from mainstay.model.run import RunRecord
from mainstay.model.units import Duration
from mainstay.people.emergencies import Emergencies


class Brackets(Protocol):
    """How a bracket is put in force by hand, and lifted."""

    def standing(self, task: str) -> RunRecord | None:
        """Return the run by which a bracket is in force by hand; None when it is not."""

    def mode_on(self, what: str, lasts: Duration, reason: str, banner: str | None = None) -> RunRecord:
        """Put it in force; with `banner`, users read that, as of an emergency."""

    def mode_off(self, what: str, by: str, text: str) -> RunRecord:
        """Lift it."""


class EmergencyMode:
    """The mode of one site's emergencies: the brackets that `emergencies: {mode: ...}` names, else those with a banner for it."""

    def __init__(self, context: Context, emergencies: Emergencies, brackets: Brackets) -> None:
        self._context, self._emergencies, self._brackets = context, emergencies, brackets

    def on(self, id: str, by: str, lasts: Duration, say: str = "") -> Emergency:
        """Switch it on, journaled first; what is in force already stays somebody else's. Where one fails, all are taken back.

        Users read what is to `say`, never the reason of the emergency: that may be a flaw that nobody should know yet.
        """
        found = self._emergencies.get(id)
        if found.closed or found.mode:
            because = "it is closed" if found.closed else f"{found.mode.by if found.mode else ''} has switched it on"
            raise Refused("the emergency mode is not switched on", on=found.id, because=because)
        modes = [one for one in self._wanted() if self._brackets.standing(one) is None]
        body = {"by": by, "modes": modes, "lasts": lasts}
        self._context.journal.append(events.EMERGENCY_MODE_ON, encode(body), run=found.id)
        self._emergencies.keep_evidence(found.id, "before the emergency mode was switched on")
        for task in modes:
            if why := self._failing(task, lasts, found, say):
                self.off(found.id, "mainstay", f"{task} could not be put in force")
                raise StepFailed(
                    "the emergency mode is taken back", on=task, because=why, next=f"mainstay check {task.split('.')[0]}"
                )
        return self._emergencies.get(found.id)

    def off(self, id: str, by: str, text: str) -> Emergency:
        """Take all of it back, last first: what it has put in force is lifted, and scheduled runs go on. What fails is owed."""
        found = self._emergencies.get(id)
        if found.mode is None:
            raise Refused("the emergency mode is not on", on=found.id, next=f"mainstay emergency show {found.id}")
        failed = [why for task in reversed(found.mode.modes) if (why := self._kept(task, by, text or f"{found.id} is over"))]
        if failed:
            raise StepFailed("it is still in force", on=found.id, because="; ".join(failed), next="mainstay mode status")
        self._context.journal.append(events.EMERGENCY_MODE_OFF, {"by": by, "text": text}, run=found.id)
        self._emergencies.keep_evidence(found.id, "after the emergency mode was switched off")
        return self._emergencies.get(found.id)

    def _failing(self, task: str, lasts: Duration, found: Emergency, say: str) -> str:
        """Put a bracket in force; return why that failed, "" when it is."""
        try:
            record = self._brackets.mode_on(task, lasts, f"{found.id}: {found.reason}", say)
        except MainstayError as error:
            return str(error)
        return "" if record.standing else record.because or "it could not be put in force"

    def _kept(self, task: str, by: str, text: str) -> str:
        """Lift a bracket; return why it is still in force, "" when it is gone."""
        if self._brackets.standing(task) is None:
            return ""
        record = self._brackets.mode_off(task, by, text)
        return f"{task}: {record.because}" if owed.open_brackets(record) else ""

    def _wanted(self) -> Sequence[str]:
        site = self._context.site
        known = [
            (f"{target.name}.{task.name}", "emergency" in {field.name for field in fields(task.params)})
            for target in site.targets.values()
            for task in self._context.kind(target).tasks
            if task.bracket
        ]
        return site.emergencies.mode or [task for task, banner in known if banner]
