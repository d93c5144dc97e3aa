"""kill -9 at every call by which backup, proof, restore and prune change something is survived."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from tests.crash.vault_crashes import Result, kills
from tests.crash.vault_steps import STEPS

WANTED = "100 % sound at once, and converge; live data untouched"


def measure() -> Iterator[Goal]:
    """Kill each step at each of its calls, and once more while it goes on."""
    for step in STEPS:
        yield judged(step, kills(step))


def judged(step: str, results: list[Result]) -> Goal:
    """Count the kills that really fired."""
    fired = [result for result in results if result.fired]
    bad = [result for result in fired if result.faults]
    worst = f"; {bad[0].point}: {bad[0].faults[0]}" if bad else ""
    told = f"{len(fired)} of {len(results)} fired, {len(fired) - len(bad)} well{worst}"
    return Goal(f"kill in {step}", WANTED, told, ok=bool(fired) and not bad)
