"""Rows that are moved beside any writers are neither lost nor changed: ten minutes of workloads that hypothesis makes up."""

from __future__ import annotations

import time
from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import tested

MINUTES = 10
TEST = "tests/kinds/postgres/test_mover.py"


def measure() -> Iterator[Goal]:
    """Repeat the property, each time with other workloads, until the time is over."""
    began, rounds, kept = time.monotonic(), 0, True
    while kept and time.monotonic() - began < MINUTES * 60:
        kept = tested(TEST, "-m", "slow or not slow", "--hypothesis-seed", str(rounds)).all_passed
        rounds += 1
    told = f"{rounds} rounds of 101 workloads in {(time.monotonic() - began) / 60:.1f} minutes"
    yield Goal("rows under the tuple mover", f"equal to their shadow, >= {MINUTES} minutes", told, kept)
