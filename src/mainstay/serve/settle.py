"""Go on with runs whose process is gone, and end what has been watched long enough."""

from __future__ import annotations

from mainstay.engine import recover
from mainstay.serve.common import Common


class Settling:
    """Starts `mainstay settle` when there is something to settle. A timer outside of this process does the same."""

    def __init__(self, common: Common) -> None:
        self._common = common

    def once(self) -> None:
        """Look, and start it."""
        if next(recover.due(self._common.app.context), None):
            self._common.workers.start("settle", self._common.words("settle"))
