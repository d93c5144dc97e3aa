"""Look at every target at an interval, so that `status` is never older than that, and figures have a history.

That a target turns critical or cannot be reached is told to people once two looks in a row say so, and again when it is in
order. What a run is at work on is left out: it is looked at by the run.
"""

from __future__ import annotations

import os
from datetime import datetime

from mainstay.ledger import events, queries
from mainstay.model.because import Finding, Level
from mainstay.model.codec import encode
from mainstay.model.run import Status
from mainstay.model.units import Duration
from mainstay.serve.common import Common
from mainstay.serve.workers import Reader
from mainstay.system import clock

LONGEST = Duration(600)  # one round of looks; every single look has deadlines of its own
AGAIN = Duration(30)  # until a target that was found in another state is looked at again
_NAME = "check"


class Checking:
    """Starts `mainstay check`: drivers are loaded there, and a look that hangs is ended there."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._waited: clock.Deadline | None = None
        self._looking = False
        self._turning: dict[str, datetime] = {}  # when targets were found in another state than people know of, by the last round

    def once(self) -> None:
        """Judge a round that is over, and start one when it is due; while the last one is at work, the next one waits for it."""
        common = self._common
        if self._looking and not common.workers.has(_NAME):
            self._looking = False
            self._judge()
        if common.app.site.targets and (self._waited is None or not self._waited.left):
            with open(os.devnull, "wb") as nowhere:
                to = Reader(nowhere.fileno(), errors=False)
                begun = common.workers.start(_NAME, common.words("check"), within=LONGEST, to=to)
            if begun:
                self._looking = True
                self._waited = clock.Deadline(common.app.site.checks.every)

    def _judge(self) -> None:
        """Write down who has turned; where that was seen for the first time, look again soon."""
        app = self._common.app
        turned = {event.task: bool(event.body["critical"]) for event in app.journal.events(kinds=(events.TARGET_TURNED,))}
        before, self._turning = self._turning, {}
        for target in app.site.targets.keys() - self._at_work():
            look = app.context.samples.last(f"{target}.check")
            bad = [one for one in look.findings if one.level >= Level.CRITICAL] if look else []
            if look is None or bool(bad) == turned.get(target, False):
                continue
            if before.get(target, look.at) < look.at:
                self._write_down(target, bad)
            else:
                self._turning[target] = look.at
        if self._turning:
            self._waited = clock.Deadline(min(AGAIN, app.site.checks.every))

    def _at_work(self) -> set[str]:
        running = [one for one in queries.unsettled(self._common.app.journal) if one.status is Status.RUNNING]
        return {task.target for one in running for task in one.tasks}

    def _write_down(self, target: str, bad: list[Finding]) -> None:
        body = {"critical": bool(bad), "findings": [encode(one) for one in bad]}
        self._common.app.journal.append(events.TARGET_TURNED, body, task=target)
