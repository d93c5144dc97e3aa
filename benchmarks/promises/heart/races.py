"""Two launchers race for one target 200 times and nothing runs twice."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.promises.goal import Goal
from tests.engine.races import race

RACES = 200


def measure() -> Iterator[Goal]:
    """Race."""
    with tempfile.TemporaryDirectory() as folder:
        found = race(Path(folder), RACES)
    measured = f"{found.races} races: {found.twice} ran twice, {found.never} never, {found.overlaps} met each other"
    kept = (found.races, found.twice, found.never, found.overlaps) == (RACES, 0, 0, 0)
    yield Goal("races for one target", f"{RACES} races, 0 double executions", measured, kept)
