"""The entry point."""

from __future__ import annotations

import atexit
import gc
import os
import signal
from types import FrameType


def main() -> None:
    """Run the command line and exit."""
    signal.signal(signal.SIGINT, _interrupt)
    gc.set_threshold(100_000)  # what is imported stays: to look through it again and again takes 80 ms of a `status`
    atexit.register(_look_through)
    from mainstay.cli import commands

    commands.call()


def _look_through() -> None:
    """Free what nobody refers to, such as a connection to the ledger, once; Python by itself looks more than once, for 20 ms."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done, and would only be told with a traceback
    gc.collect()
    gc.freeze()


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt; but inside an import, where Python wraps or swallows it, end the process by the signal."""
    while frame:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        frame = frame.f_back
    raise KeyboardInterrupt
