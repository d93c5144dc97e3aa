"""Go on with runs whose process is gone, and end what has been watched long enough."""

from __future__ import annotations

from mainstay.engine import recover
from mainstay.model.units import Duration
from mainstay.serve.common import Common
from mainstay.system import clock

EVERY = Duration(60)


class Settling:
    """Starts `mainstay settle` when there is something to settle. A timer outside of this process does the same."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._waits: clock.Deadline | None = None

    def once(self) -> None:
        """Look, and start it; each minute in any case, which is the sign that somebody settles."""
        waits = self._waits is not None and self._waits.left
        if not waits or next(recover.due(self._common.app.context), None):
            self._common.workers.start("settle", self._common.words("settle", "--every", str(EVERY)))
            self._waits = clock.Deadline(EVERY)
