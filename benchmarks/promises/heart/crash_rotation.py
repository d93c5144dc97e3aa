"""kill -9 at every system call by which rotation changes something loses and doubles no line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import tested


def measure() -> Iterator[Goal]:
    """Run the exhaustive crash test of the logs, which prints how many kills fired."""
    found = tested("tests/crash/test_logs_crash.py", "-k", "any_call")
    fired = re.findall(r"([\w.]+): (\d+) kills fired, (\d+) more", found.said)
    total, again = (sum(int(one[column]) for one in fired) for column in (1, 2))
    measured = f"{total} kills fired, {again} more during recovery ({', '.join(f'{one[0]} {one[1]}' for one in fired)})"
    yield Goal("kill in logs rotate", "0 lines lost, 0 doubled, nothing left over", measured, found.all_passed and total > 0)
