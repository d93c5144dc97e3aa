"""kill -9 at every fsync, fdatasync and rename of every thread of a run is survived."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.heart.crash import judged
from benchmarks.heart.goal import Goal
from tests.crash.crashes import CALLS, call_kills


def measure() -> Iterator[Goal]:
    """Kill at each call; strace counts each name, in each thread, by itself."""
    yield judged(f"kill at {CALLS.replace(',', ', ')}", [result for call in CALLS.split(",") for result in call_kills(call)])
