"""Kill one run of a crash world at one point, let it recover, and say whether everything converged.

A point is a stretch of the road (0 = launched until it is parked, 1 = after the sign-off), a count of journal writes or system
calls within it, and a delay, which lets a child of the step be at work when its parent dies.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.ledger import queries
from mainstay.ledger.journal import Journal
from mainstay.model.run import Status, Verdict
from tests.crash import world

DRIVER = str(Path(__file__).with_name("driver.py"))
ROOT = Path(__file__).parents[2]
CALLS = "fsync,fdatasync,rename,renameat,renameat2"
KILLED = (-9, 137)
WIDE = 8  # points tried at a time while looking for the end of the road


@dataclass(frozen=True)
class Point:
    """Where the process dies: after `count` journal writes, or at the `count`-th `call` of one thread."""

    stretch: int
    count: int
    delay: float = 0
    call: str = ""
    again: int = 0  # journal writes until recovery is killed too


@dataclass(frozen=True)
class Result:
    """What came of one point."""

    point: Point
    fired: int
    faults: tuple[str, ...]


def drive(folder: Path, *kill: object, under: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    """Bring the run forward by one process."""
    argv = [*under, sys.executable, DRIVER, str(folder), *map(str, kill)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


def attempt(point: Point) -> Result:
    """Build a world, kill at the point, recover, and judge."""
    with tempfile.TemporaryDirectory(prefix="crash-") as name:
        folder = Path(name)
        world.build(folder)
        for _ in range(point.stretch):
            drive(folder)
        fired = _kill(folder, point)
        if fired and point.again:
            fired += drive(folder, point.again).returncode in KILLED
        return Result(point, fired, tuple(_converge(folder)))


def until_nothing_fires(point: Point) -> list[Result]:
    """Try counts 1, 2, 3 ... until the process ends before it dies; return the results that fired."""
    results: list[Result] = []
    with ThreadPoolExecutor(3) as pool:
        for first in range(1, 1000, WIDE):
            batch = list(pool.map(attempt, [replace(point, count=count) for count in range(first, first + WIDE)]))
            results += batch
            if not all(result.fired for result in batch):
                return results
    raise AssertionError("the road has no end")


def single_kills(delay: float) -> list[Result]:
    """Kill between every two journal writes, on both stretches."""
    return [result for stretch in (0, 1) for result in until_nothing_fires(Point(stretch, 0, delay))]


def double_kills(count: int, seed: int = 1) -> list[Result]:
    """Kill the run at random points, and its recovery too."""
    dice = random.Random(seed)
    points = [
        Point(stretch := dice.randint(0, 1), dice.randint(1, (8, 34)[stretch]), dice.choice((0, 0.04)), "", dice.randint(1, 12))
        for _ in range(count)
    ]
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(attempt, points))


def call_kills(call: str) -> list[Result]:
    """Kill at every such system call of every thread, on both stretches."""
    return [result for stretch in (0, 1) for result in until_nothing_fires(Point(stretch, 0, 0, call))]


def _kill(folder: Path, point: Point) -> int:
    if point.call:
        inject = f"inject={point.call}:signal=KILL:when={point.count}"
        done = drive(folder, under=("strace", "-qq", "-f", "-o", "/dev/null", "-e", f"trace={point.call}", "-e", inject))
    else:
        done = drive(folder, point.count, point.delay)
    return int(done.returncode in KILLED)


def _converge(folder: Path) -> list[str]:
    for _ in range(8):
        done = drive(folder)
        if done.returncode:
            return [done.stderr[-2000:]]
        if done.stdout.strip() == "settled":
            return world.faults(folder) + _unsettled(folder)
    return ["it does not settle"]


def _unsettled(folder: Path) -> list[str]:
    journal = Journal(folder / "state")
    journal.verify()
    run = queries.recent(journal, 1)[0]
    journal.close()
    right = (run.status, run.verdict, run.settled) == (Status.FAILED, Verdict.FAIL, True)
    return [] if right and run.turned.startswith("a check fails") else [f"{run.id} ended {run.status}: {run.because}"]
