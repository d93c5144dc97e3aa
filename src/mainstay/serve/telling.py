"""Deliver notices, and remind people of what is due: what `mainstay notify send` and `mainstay remind` do."""

from __future__ import annotations

import os

from mainstay.model.units import Duration
from mainstay.serve.common import Common
from mainstay.serve.workers import Reader
from mainstay.system import clock

LONGEST = Duration(600)  # one round; every delivery has a deadline of its own
SEND_EVERY, REMIND_EVERY = Duration(15), Duration(60)


class Telling:
    """Starts both at intervals; while the last one is at work, the next one waits for it."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._waits: dict[str, clock.Deadline] = {}

    def once(self) -> None:
        """Start what is due."""
        site = self._common.app.site
        if site.channels:
            self._every(SEND_EVERY, "notify", "send")
        if site.routines or site.checklists or site.emergencies.escalation:
            self._every(REMIND_EVERY, "remind")

    def _every(self, interval: Duration, *words: str) -> None:
        name = " ".join(words)
        if name in self._waits and self._waits[name].left:
            return
        with open(os.devnull, "wb") as nowhere:  # what could not be delivered is in `notify list` and in `status`
            to = Reader(nowhere.fileno(), errors=False)
            if self._common.workers.start(name, self._common.words(*words), within=LONGEST, to=to):
                self._waits[name] = clock.Deadline(interval)
