"""Start what is due: the routines whose slot is open and that nobody has claimed.

The occurrence is claimed in the ledger by the run itself, so that two services, a timer and a person cannot double it; what lies
here is only how often it was tried. A slot that has closed is over: nothing is replayed, whatever the clock has done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mainstay.app import App
from mainstay.engine import gate
from mainstay.ledger import queries
from mainstay.model.errors import Refused
from mainstay.model.task import Routine, Slot
from mainstay.model.units import Duration
from mainstay.schedule.agenda import occurrence
from mainstay.serve.common import Common
from mainstay.system import clock

_LONGEST = Duration(1800)  # between two tries of a slot


@dataclass(frozen=True)
class Try:
    """How often an occurrence was started, and the time that has to pass before it is started again."""

    count: int
    wait: clock.Deadline


class Schedule:
    """Remembers the tries of the slots that are open."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._tries: dict[str, Try] = {}

    def once(self) -> None:
        """Start every routine that is due, as far as there is room; the slot that closes first goes first."""
        app = self._common.app
        due = {occurrence(routine.name, slot.start): routine for routine, slot in sorted(_due(app), key=lambda one: one[1].end)}
        self._tries = {key: tried for key, tried in self._tries.items() if key in due}
        for key, routine in due.items():
            tried = self._tries.get(key)
            if tried is None or not tried.wait.left:
                self._start(app, key, routine)

    def _start(self, app: App, key: str, routine: Routine) -> None:
        words = self._common.words("run", routine.name, "--scheduled")
        if self._common.workers.start(f"run {routine.name}", words, most=app.site.serve.runs_at_once):
            count = self._tries[key].count + 1 if key in self._tries else 1
            wait = min(_LONGEST, app.site.serve.retry * 2 ** min(count - 1, 20))
            self._tries[key] = Try(count, clock.Deadline(Duration(wait)))


def _due(app: App) -> Iterator[tuple[Routine, Slot]]:
    """Yield the routines that have an open slot of their own which nobody has claimed."""
    for routine in app.site.routines.values():
        try:
            slot = gate.slot(app.context, routine)
        except Refused:
            continue  # the usual case: it has no window, or this is outside of it
        if not queries.claimed(app.journal, occurrence(routine.name, slot.start)):
            yield routine, slot
