"""A copy to another place that is killed is not seen, and goes on."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven


def measure() -> Iterator[Goal]:
    """Kill copies at many points."""
    yield proven("kill in a copy", "not seen, and goes on", "tests/crash/test_copy_crash.py")
