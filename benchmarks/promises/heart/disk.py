"""A disk that is full in the middle of a run, a rotation or a backup leaves the old state intact and is told with figures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.promises.goal import Goal, not_run
from tests.live.full_disk import PAGE, Outcome, in_a_backup, in_a_rotation, in_a_run

WANTED = "old state intact; file, needed and free bytes named"
PAGES = range(0, 64, 2)  # left free, so that each journal write after the act is the one that fails
BEATS = range(9)  # pieces of the backup at which the disk fills up; after the last it has all its room
TASKS = ("rotate", "compress", "cut")


def measure() -> Iterator[Goal]:
    """Fill the disk at many points of each, and count what came of it."""
    if os.geteuid():
        yield from (not_run(f"full disk in a {what}", WANTED, "only root may mount") for what in ("run", "rotation", "backup"))
        return
    runs = [_run(pages) for pages in PAGES]
    resumed = sum(converged for full, converged in runs if full.told)
    full = [outcome for outcome, _ in runs]
    yield _judged("run", full, f"; {resumed} converged after `resume`", all(converged for _, converged in runs))
    yield _judged("rotation", [_apart(in_a_rotation, task) for task in TASKS], f" ({', '.join(TASKS)})")
    yield _judged("backup", [_apart(in_a_backup, beat) for beat in BEATS])


def _run(pages: int) -> tuple[Outcome, bool]:
    with tempfile.TemporaryDirectory() as folder:
        return in_a_run(Path(folder), pages * PAGE)


def _apart(scenario: object, what: object) -> Outcome:
    assert callable(scenario)
    with tempfile.TemporaryDirectory() as folder:
        outcome = scenario(Path(folder), what)
        assert isinstance(outcome, Outcome)
        return outcome


def _judged(what: str, outcomes: list[Outcome], more: str = "", also: bool = True) -> Goal:
    fired = [one for one in outcomes if one.told]
    intact, named = sum(one.intact for one in fired), sum(one.explained for one in fired)
    measured = f"{len(fired)} times full, {intact} intact, {named} named{more}"
    kept = len(fired) == intact == named > 0 and all(one.intact for one in outcomes) and also
    return Goal(f"full disk in a {what}", WANTED, measured, kept)
