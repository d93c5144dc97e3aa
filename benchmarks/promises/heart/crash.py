"""What the crash promises share: how results are counted and judged."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.promises.goal import Goal
from tests.crash.crashes import Point, Result, attempt

WANTED = "100 % converge, nothing repeated, nothing unpaid"


def judged(name: str, results: Sequence[Result]) -> Goal:
    """Count the kills that really fired, and the runs that did not come out right."""
    fired, bad = sum(result.fired for result in results), [result for result in results if result.faults]
    measured = f"{fired} kills fired in {len(results)} runs, {len(results) - len(bad)} converged"
    worst = f"; {bad[0].point}: {bad[0].faults[0]}" if bad else ""
    return Goal(name, WANTED, measured + worst, ok=fired > 0 and not bad)


def undisturbed() -> Goal:
    """Run the same routine without a kill, as a control."""
    result = attempt(Point(0, 9999))
    kept, measured = not result.fired and not result.faults, f"{result.fired} kills, {len(result.faults)} faults"
    return Goal("the routine without a kill (control)", "0 kills, converges", measured, kept)
