"""Prepare slots beforehand: what `mainstay ready ROUTINE --prepare` does, once for each, as early as its routine says."""

from __future__ import annotations

import os

from mainstay.engine import prepare
from mainstay.model.units import Duration
from mainstay.schedule.agenda import occurrence
from mainstay.serve.common import Common
from mainstay.serve.workers import Reader
from mainstay.system import clock

LONGEST = Duration(1800)  # every look has deadlines of its own
AGAIN = Duration(300)  # before one that could not be written down is tried again


class Preparing:
    """Remembers which slots were tried; the journal says which are prepared."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._tries: dict[str, clock.Deadline] = {}

    def once(self) -> None:
        """Start what is due."""
        app, now = self._common.app, clock.now()
        for routine in app.site.routines.values():
            slot = prepare.due(app.context, routine, now)
            key = occurrence(routine.name, slot.start) if slot else ""
            if slot and not (key in self._tries and self._tries[key].left):
                self._start(key, routine.name)

    def _start(self, key: str, routine: str) -> None:
        words = self._common.words("ready", routine, "--prepare")
        with open(os.devnull, "wb") as nowhere:
            to = Reader(nowhere.fileno(), errors=False)
            if self._common.workers.start(f"prepare {routine}", words, within=LONGEST, to=to):
                self._tries[key] = clock.Deadline(AGAIN)
