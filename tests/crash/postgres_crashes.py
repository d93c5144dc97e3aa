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
DELAYS = {"mainstay": (0.0, 0.05), "backend": (0.02,), "server": (0.02,)}


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
    """What came of one point."""

    point: Point
    fired: bool
    faults: tuple[str, ...]
    committed: int


def attempt(server: PostgresServer, point: Point) -> Result:
    """Run the routine on a fresh database under writers, let the victim die, recover, and judge."""
    name, before = world.database(server), world.settings(server)
    with tempfile.TemporaryDirectory(prefix="crash-") as folder:
        path = world.configuration(Path(folder), server, name)
        with world.writers(server, name) as committed:
            _drive(path, point.routine, point.victim, point.event, str(point.count), str(point.delay), str(server.pid))
            fired = path.with_suffix(".fired").exists()
            if fired and point.victim == "server":
                server.stop("immediate")
                server.start()
            server.wait()
            wrong = _converge(path, point.routine) if fired else []
        wrong += world.faults(server, name)
        if point.routine == "tune":
            wrong += _tuned(server, before)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")
    return Result(point, fired, tuple(wrong), len(committed))


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


def _converge(path: Path, routine: str) -> list[str]:
    """Go on until nothing is owed any more."""
    said = ""
    for _ in range(6):
        done = _drive(path, routine)
        if done.returncode:
            return [done.stderr[-1500:]]
        said = done.stdout.strip()
        if said.startswith("settled"):
            return []
    return [f"it does not settle: {said}"]


def _tuned(server: PostgresServer, before: list[tuple[object, ...]]) -> list[str]:
    """A tuned server has all of the settings or none; take them back for the next attempt."""
    after = world.settings(server)
    for name, _ in after:
        if name not in dict(before):
            server.sql(f"ALTER SYSTEM RESET {name}")
    server.sql("SELECT pg_reload_conf()")
    return []
