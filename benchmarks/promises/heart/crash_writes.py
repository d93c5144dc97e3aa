"""kill -9 between every two journal writes of a run is survived."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.heart.crash import judged, undisturbed
from tests.crash.crashes import single_kills

WHILE_A_CHILD_WORKS = 0.04  # s after the write: its parent is dead, the child goes on


def measure() -> Iterator[Goal]:
    """Kill at every write, at once and a moment later."""
    yield undisturbed()
    yield judged("kill between two journal writes", single_kills(0))
    yield judged("kill while a child is at work", single_kills(WHILE_A_CHILD_WORKS))
