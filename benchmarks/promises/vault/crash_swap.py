"""Mainstay, the server or the pooler dies in the middle of a swap, and names are never lost."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

WANTED = "one of both is live, and it converges"


def measure() -> Iterator[Goal]:
    """Kill at every statement of a database's swap, and at every call of a folder's and a file's."""
    yield proven("kill in a swap of databases", WANTED, "tests/crash/test_swap_crash.py")
    yield proven("kill in a swap of paths", WANTED, "tests/vault/test_swap.py", "-k", "killed_at_any_call")
