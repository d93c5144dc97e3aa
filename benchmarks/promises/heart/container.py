"""The same task on the host and in a container: equal bytes, equal result."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal, not_run
from benchmarks.promises.pytests import tested
from tests.live import docker_engine

NAME, WANTED = "host and container", "1,048,576 equal bytes, equal result"


def measure() -> Iterator[Goal]:
    """Run the live tests of a container made by `docker import`."""
    if lacking := docker_engine.missing():
        yield not_run(NAME, WANTED, f"this machine lacks {lacking}")
        return
    found = tested("tests/live/test_container.py")
    kept = found.all_passed and found.passed >= 4
    yield Goal(NAME, WANTED, f"{found.passed} tests of bytes, result, secret and end passed", kept)
