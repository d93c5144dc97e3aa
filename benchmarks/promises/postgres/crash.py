"""Mainstay, its backend or the server dies at every statement of compact, reindex and tune: nothing is left, no row is lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.promises.goal import Goal
from tests.crash.postgres_crashes import VICTIMS, Point, Result, attempt, control, until_nothing_fires, wrong
from tests.crash.postgres_world import ROUTINES
from tests.live.postgres_server import PostgresServer, server

WANTED = "100 % settle; no leftover, rows equal their shadow under writers, all settings or none"
WHILE_IT_WORKS = {"mainstay": 0.03, "backend": 0.01, "server": 0.01}  # s after the statement began
CHILD = (0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)  # s after pg_repack was started


def measure() -> Iterator[Goal]:
    """Let each victim die at each statement of each routine."""
    with tempfile.TemporaryDirectory(prefix="crash-") as folder, server(Path(folder)) as made:
        for routine in ROUTINES:
            undisturbed = control(made, routine)
            for victim in VICTIMS:
                yield _judged(f"{routine}: {victim} dies", list(_results(made, routine, victim)), undisturbed)


def _results(made: PostgresServer, routine: str, victim: str) -> Iterator[Result]:
    yield from until_nothing_fires(made, Point(routine, victim, "statement", 0, WHILE_IT_WORKS[victim]), 40)
    if routine == "repack":
        yield from (attempt(made, Point(routine, victim, "child", 1, delay)) for delay in CHILD)
    if victim == "mainstay":
        yield from until_nothing_fires(made, Point(routine, victim, "journal", 0), 40)


def _judged(name: str, results: list[Result], undisturbed: Result) -> Goal:
    fired = [result for result in results if result.fired]
    bad = [(result.point, found) for result in fired if (found := wrong(result, undisturbed))]
    worst = f"; {bad[0][0]}: {bad[0][1][0]}" if bad else ""
    rows = sum(result.committed for result in fired)
    measured = f"{len(fired)} of {len(results)} fired, {len(fired) - len(bad)} well, {rows:,} writes meanwhile{worst}"
    return Goal(name, WANTED, measured, ok=bool(fired) and not bad)
