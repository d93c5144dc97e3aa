"""Let Mainstay, its backend or the server die at one point of an exchange under a pooler, recover, and say what is wrong."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from mainstay.kinds.postgres.settings import Pooler
from mainstay.system import clock
from mainstay.vault import places
from mainstay.vault.names import BackupId
from mainstay.vault.places import Place
from mainstay.vault.repository import create_repository
from tests.crash.postgres_crashes import DRIVER, ROOT, Point
from tests.kinds.postgres.store.swaps import Swap, pair
from tests.live.pgbouncer import PgBouncer
from tests.live.postgres_server import PostgresServer

SITE = """
site: crash
timezone: Europe/Berlin
state: {folder}/state
targets:
  db: {{kind: postgres, dsn: "{dsn}", pooler: {{dsn: "{console}"}}}}
  safe: {{kind: backup, repository: {{path: "{folder}/repo"}}, of: [db]}}
routines:
  swap: {{tasks: [{{safe.swap: {{target: db}}}}]}}
"""
SWAP = Point("swap", "mainstay", "statement", 0)


@dataclass(frozen=True)
class Result:
    """What came of one point: whether anything died, how the run ended, and what is wrong."""

    point: Point
    fired: bool
    ended: str
    faults: tuple[str, ...]


def attempt(server: PostgresServer, pooler: PgBouncer, point: Point) -> Result:
    """Exchange a fresh pair of databases with a client in the pooler, let the victim die, look, recover, and look again."""
    with pair(server, Pooler(pooler.dsn())) as swap, tempfile.TemporaryDirectory(prefix="crash-") as folder:
        path = _configured(Path(folder), swap, pooler)
        with psycopg.connect(pooler.dsn(swap.live), autocommit=True, prepare_threshold=None) as client:
            client.execute("TABLE was")
            done = _drive(path, point.victim, point.event, str(point.count), str(point.delay), str(server.pid))
            fired = path.with_suffix(".fired").exists()
            if fired and point.victim == "server":
                server.stop("immediate")
                server.start()
            server.wait()
            faults = _half_way(swap)
            ended = _converge(path) if fired else done.stdout.strip() or done.stderr[-1500:]
            return Result(point, fired, ended, (*faults, *_afterwards(swap, pooler, ended)))


def until_nothing_fires(server: PostgresServer, pooler: PgBouncer, most: int = 100) -> Iterator[Result]:
    """Let Mainstay die at statement 1, 2, 3 ... until the run ends before that; yield the results that fired."""
    for count in range(1, most):
        result = attempt(server, pooler, replace(SWAP, count=count))
        if not result.fired:
            return
        yield result


def _configured(folder: Path, swap: Swap, pooler: PgBouncer) -> Path:
    """Write a site that knows the copy as one that it has restored."""
    path = folder / "mainstay.yaml"
    path.write_text(SITE.format(folder=folder, dsn=swap.server.dsn(swap.live), console=pooler.dsn()))
    id = BackupId("20261121T020000Z.db.run-3")
    places.write(create_repository(folder / "repo"), Place(1, "db", swap.copy, "restored", id, clock.now()))
    return path


def _half_way(swap: Swap) -> list[str]:
    """Say what is wrong right after the crash: nobody has recovered anything yet, but users want to come in."""
    names = swap.names()
    found = [] if names.get(swap.live) else [f"{swap.live} is closed or gone: {names}"]
    return [*found, *(f"half done: {name}" for name in names if name.startswith("mainstay"))]


def _afterwards(swap: Swap, pooler: PgBouncer, ended: str) -> Iterator[str]:
    if not ended.startswith("settled changed"):
        yield f"it ended {ended}"
    if pooler.paused(swap.live):
        yield "the pooler still holds clients back"
        return
    if swap.was() != "new":
        yield f"users reach what was called {swap.was()}"
    if sorted(swap.names().values()) != [False, True]:
        yield f"there is {swap.names()}"
    with psycopg.connect(pooler.dsn(swap.live), prepare_threshold=None) as client:
        if client.execute("TABLE was").fetchall() != [("new",)]:
            yield "the pooler leads elsewhere"


def _drive(path: Path, *bomb: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, DRIVER, str(path), "swap", *bomb]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)


def _converge(path: Path) -> str:
    said = ""
    for _ in range(6):
        done = _drive(path)
        if done.returncode:
            return done.stderr[-1500:]
        said = done.stdout.strip()
        if said.startswith("settled"):
            break
    return said
