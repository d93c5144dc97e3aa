"""A table that was dropped at a known instant comes back with every row committed one second before."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

TESTS = "tests/kinds/postgres/test_recovery.py"


def measure() -> Iterator[Goal]:
    """Drop a table, and recover."""
    yield proven("point in time: a dropped table", "every row of one second before", TESTS, "-k", "dropped_table")
    yield proven(
        "point in time: archive", "no gap after kills; what is missing is named", TESTS, "-k", "gap or missing or damaged"
    )
