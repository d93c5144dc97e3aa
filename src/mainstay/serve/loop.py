"""One thing that a service does over and over, in a thread of its own, and whether it still does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from mainstay.model.errors import MainstayError
from mainstay.model.units import Duration
from mainstay.system import clock


@dataclass
class Loop:
    """`once` is called again `every` so long. A pass that takes longer than `patience` is stuck, and the watchdog is not fed.

    A pass that fails with a MainstayError is told once, and tried again; any other error is a bug, which ends the thread.
    """

    name: str
    once: Callable[[], None]
    every: Duration
    patience: Duration
    trouble: str = ""
    _busy: clock.Deadline | None = None
    _thread: threading.Thread | None = None

    def start(self, over: threading.Event, say: Callable[[str], None]) -> None:
        """Begin, until `over` is set."""
        self._thread = threading.Thread(target=self._go, args=(over, say), name=self.name, daemon=True)
        self._thread.start()

    def finish(self, within: clock.Deadline) -> None:
        """Wait for the pass under way, once it is over: what a loop works with is closed after it, and not beneath it."""
        if self._thread is not None:
            self._thread.join(within.left)

    @property
    def is_alive(self) -> bool:
        """Return whether its thread lives; it ends before the service does only by a bug."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def is_stuck(self) -> bool:
        """Return whether a pass takes too long."""
        busy = self._busy
        return busy is not None and not busy.left

    def _go(self, over: threading.Event, say: Callable[[str], None]) -> None:
        while not over.is_set():
            self._busy = clock.Deadline(self.patience)
            trouble = self._tried()
            self._busy = None
            if trouble and trouble != self.trouble:
                say(f"{self.name}: {trouble}")
            self.trouble = trouble
            over.wait(self.every)

    def _tried(self) -> str:
        try:
            self.once()
        except MainstayError as error:
            return str(error)
        return ""
