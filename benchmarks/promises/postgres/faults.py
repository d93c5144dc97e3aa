"""Twelve planted faults are each found and named by the command line."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import tested

FAULTS = 12


def measure() -> Iterator[Goal]:
    """Plant them in one server."""
    done = tested("tests/live/test_postgres_faults.py")
    kept = done.all_passed and done.passed == FAULTS
    yield Goal("planted faults found and named", f"{FAULTS} of {FAULTS}", f"{done.passed} of {FAULTS}", kept)
