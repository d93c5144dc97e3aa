"""How a process of the demo ends: on SIGTERM, and when the demo itself is gone, however that went."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType


def hold() -> threading.Event:
    """Return an event that is set by SIGTERM, and by the end of standard input, which the demo holds open while it lives."""
    ended = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            continue  # nobody writes here: only the end matters
        ended.set()

    signal.signal(signal.SIGTERM, note)
    threading.Thread(target=wait, daemon=True).start()
    return ended
