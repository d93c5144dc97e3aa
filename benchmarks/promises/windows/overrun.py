"""A run that overruns its forecast, and a rollback that cannot be finished: people are told exactly what is left."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

NIGHTS = "tests/story/test_overrun.py"


def measure() -> Iterator[Goal]:
    """Live through both."""
    yield proven("a run that overruns its forecast", "the rest deferred, told while it lasts", NIGHTS, "-k", "overruns")
    yield proven("ten steps, the undo of the fifth fails", "what is left is told and mailed", NIGHTS, "-k", "ten_steps")
