"""kill -9 at every fsync, fdatasync and rename of every thread of a run is survived."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.promises.goal import Goal
from benchmarks.promises.heart.crash import judged
from tests.crash.crashes import CALLS, call_kills


def measure() -> Iterator[Goal]:
    """Kill at each call; strace counts each name, in each thread, by itself. A name that the run never calls says 0."""
    results = {call: call_kills(call) for call in CALLS.split(",")}
    fired = ", ".join(f"{call} {sum(result.fired for result in found)}" for call, found in results.items())
    goal = judged("kill at every sync and rename", [result for found in results.values() for result in found])
    yield replace(goal, measured=f"{goal.measured} ({fired})")
