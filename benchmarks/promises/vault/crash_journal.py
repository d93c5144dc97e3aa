"""kill -9 after every journal write of a routine that backs up, proves and prunes is survived."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.vault.crash import WANTED
from tests.crash.backup_world import kills

DELAYS = {"between writes": 0, "in the middle of an act": 0.05}


def measure() -> Iterator[Goal]:
    """Kill at once, and a moment later, when the act is at work."""
    for when, delay in DELAYS.items():
        results = kills(delay)
        bad = [result for result in results if result.faults]
        worst = f"; after {bad[0].count}: {bad[0].faults[0]}" if bad else ""
        told = f"{len(results)} fired, {len(results) - len(bad)} well{worst}"
        yield Goal(f"kill at every journal write, {when}", WANTED, told, ok=bool(results) and not bad)
