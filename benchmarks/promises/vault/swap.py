"""A restored database takes the place of the live one under 90 clients."""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import median

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven, tested

TESTS, RUNS, LONGEST = "tests/kinds/postgres/store/test_swap.py", 3, 0.5


def measure() -> Iterator[Goal]:
    """Exchange under direct clients, back again, and through PgBouncer; medians of three, the same clients' usual gaps beside."""
    yield _gap("swap: longest gap of 90 direct clients", "ninety_clients")
    yield _gap("swap back: longest gap", "way_back")
    yield proven("swap through PgBouncer", "0 errors of clients", TESTS, "-k", "through_a_pooler")
    yield proven("swap: properties of the database", "equal before and after", TESTS, "-k", "belongs_to_the_database")
    yield proven("restore and swap as tasks", "consent, reverse, record", "tests/live/test_restore_and_swap.py")


def _gap(name: str, test: str) -> Goal:
    runs = [tested(TESTS, "-m", "slow or not slow", "-k", test) for _ in range(RUNS)]
    found = [match for run in runs if (match := re.search(r"longest gap ([\d.]+) s \(else ([\d.]+) s\)", run.said))]
    if len(found) < RUNS:
        return Goal(name, f"<= {LONGEST} s", f"{len(found)} of {RUNS} runs ended well", ok=False)
    gap, usual = (median(float(match[group]) for match in found) for group in (1, 2))
    told = f"{gap:.3f} s, the same clients without a swap {usual:.3f} s (median of {RUNS})"
    return Goal(name, f"<= {LONGEST} s", told, ok=gap <= LONGEST and all(run.all_passed for run in runs))
