"""Whatever goes wrong at a server is told clearly: no traceback, no secret, nothing half done."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import tested


def measure() -> Iterator[Goal]:
    """Wrong password, refused connection, missing privilege, recovery, standby, dropped database, and more."""
    done = tested("tests/live/test_postgres_errors.py", "-m", "slow or not slow")
    yield Goal("errors at a server", "a clear error each, by the command line", f"{done.passed} tests passed", done.all_passed)
