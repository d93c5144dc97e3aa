"""Signals while a run is under way: the first wish stops it cleanly, the second leaves at once, a hangup detaches it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SHOW_CURSOR = "\033[?25h"
STOPPING = "stopping: the current step is taken back; press again to leave it to `mainstay resume`\n"


class Wish:
    """Whether somebody at this process wants the run to stop; the run asks it often."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> bool:
        """Return whether it was asked for."""
        return self._asked

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen to SIGINT, SIGTERM and SIGHUP instead of dying of them."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        before[signal.SIGHUP] = signal.signal(signal.SIGHUP, _detach)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            _leave(number)
        self._asked = True
        os.write(sys.stderr.fileno(), f"\n{STOPPING}".encode())


def _leave(number: int) -> None:
    """Die of the signal, as after a crash; the terminal gets its cursor back."""
    if sys.stdout.isatty():
        os.write(sys.stdout.fileno(), _SHOW_CURSOR.encode())
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _detach(_number: int, _frame: FrameType | None) -> None:
    """Send what is still printed nowhere: the terminal is gone, the run goes on."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
