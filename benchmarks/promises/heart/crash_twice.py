"""kill -9 of a run and again of its recovery is survived."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.heart.crash import judged
from tests.crash.crashes import double_kills

PAIRS = 100


def measure() -> Iterator[Goal]:
    """Kill at random points, twice."""
    yield judged("kill, and kill again in recovery", double_kills(PAIRS))
