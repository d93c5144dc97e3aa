"""Let Mainstay, its backend or the whole server die at one point of a run, recover, and say what is wrong afterwards."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.crash import postgres_world as world
from tests.live.postgres_server import PostgresServer

DRIVER, ROOT = str(Path(__file__).with_name("postgres_driver.py")), Path(__file__).parents[2]
VICTIMS = ("mainstay", "backend", "server")


@dataclass(frozen=True)
class Point:
    """What dies, in which routine, and when: `delay` seconds after the `count`-th event of a sort."""

    routine: str
    victim: str
    event: str  # statement, child, journal
    count: int
    delay: float = 0

    def __str__(self) -> str:
        return f"{self.routine}: {self.victim} at {self.event} {self.count} + {self.delay} s"


@dataclass(frozen=True)
class Result:
    """What came of one point: how the run ended, what ALTER SYSTEM had written then, what is wrong, commits of the writers."""

    point: Point
    fired: bool
    ended: str
    written: frozenset[str]
    faults: tuple[str, ...]
    committed: int


def control(server: PostgresServer, routine: str) -> Result:
    """Run a routine with nothing dying; it has to end well."""
    result = attempt(server, Point(routine, "mainstay", "statement", 0))
    assert not result.fired, result
    assert result.ended.startswith("settled changed"), result.ended
    assert not result.faults, result.faults
    return result


def attempt(server: PostgresServer, point: Point) -> Result:
    """Run the routine on a fresh database under writers, let the victim die, recover, and look."""
    name, before = world.database(server), world.settings(server)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        path = world.configuration(Path(folder), server, name)
        with world.writers(server, name) as committed:
            bomb = (point.victim, point.event, str(point.count), str(point.delay), str(server.pid))
            done = _drive(path, point.routine, *bomb)
            fired = path.with_suffix(".fired").exists()
            if fired and point.victim == "server":
                server.stop("immediate")
                server.start()
            server.wait()
            ended = _converge(path, point.routine) if fired else done.stdout.strip() or done.stderr[-1500:]
    faults, written = world.faults(server, name), world.settings(server) - before
    world.reset(server, written)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")
    return Result(point, fired, ended, written, tuple(faults), len(committed))


def wrong(result: Result, undisturbed: Result) -> list[str]:
    """Return what must not be after a crash: a run that stays open, leftovers, other rows, some of the settings."""
    expected = undisturbed.written if result.ended.startswith("settled changed") else frozenset()
    found = [] if result.ended.startswith("settled") else [f"it does not settle: {result.ended}"]
    found += [] if result.written == expected else [f"it ended {result.ended}, and wrote {', '.join(sorted(result.written))}"]
    return [*found, *result.faults]


def until_nothing_fires(server: PostgresServer, point: Point, most: int = 200) -> Iterator[Result]:
    """Try counts 1, 2, 3 ... until the run ends before anything dies; yield the results that fired."""
    for count in range(1, most):
        result = attempt(server, replace(point, count=count))
        if not result.fired:
            return
        yield result


def _drive(path: Path, routine: str, *bomb: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, DRIVER, str(path), routine, *bomb]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)


def _converge(path: Path, routine: str) -> str:
    """Go on until nothing is owed any more, and return how the run ended."""
    said = ""
    for _ in range(6):
        done = _drive(path, routine)
        if done.returncode:
            return done.stderr[-1500:]
        said = done.stdout.strip()
        if said.startswith("settled"):
            break
    return said
