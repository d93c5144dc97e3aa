"""Look at every target at an interval, so that `status` is never older than that, and figures have a history."""

from __future__ import annotations

import os

from mainstay.model.units import Duration
from mainstay.serve.common import Common
from mainstay.serve.workers import Reader
from mainstay.system import clock

LONGEST = Duration(600)  # one round of looks; every single look has deadlines of its own


class Checking:
    """Starts `mainstay check`: drivers are loaded there, and a look that hangs is ended there."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._waited: clock.Deadline | None = None

    def once(self) -> None:
        """Start a round when one is due; while the last one is at work, the next one waits for it."""
        common = self._common
        if common.app.site.targets and (self._waited is None or not self._waited.left):
            with open(os.devnull, "wb") as nowhere:
                begun = common.workers.start(
                    "check", common.words("check"), within=LONGEST, to=Reader(nowhere.fileno(), errors=False)
                )
            if begun:
                self._waited = clock.Deadline(common.app.site.checks.every)
