"""How long users wait while a restored copy takes the place of the live database, and back; and how many errors they see.

usage: python -m benchmarks.swap_clients        (as root; needs PostgreSQL 15 and PgBouncer)

Clients are threads of a process of their own that commit all the time. `else` is the longest time that a client waited for
anything else in the same run: what it costs that the machine has other things to do.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from mainstay.kinds.postgres.settings import Pooler
from tests.kinds.postgres.store.swaps import Swap, pair
from tests.live import pgbouncer, postgres_server
from tests.live.postgres_server import PostgresServer
from tests.live.swap_clients import Seen, writing

DIRECT, POOLED, RUNS = 90, 90, 3
_QUIET = 2.0  # seconds before and after an exchange


@dataclass(frozen=True)
class Exchange:
    """One exchange under clients: the longest gap of any, the longest other one (seconds), errors, rows in the wrong place."""

    gap: float
    other: float
    errors: int
    commits: int
    strays: int

    def __str__(self) -> str:
        told = f"longest gap {self.gap * 1000:.0f} ms (else {self.other * 1000:.0f} ms), {self.errors} errors"
        return f"{told}, {self.commits} commits, {self.strays} in the wrong database"


def direct(count: int = DIRECT, runs: int = RUNS) -> list[tuple[Exchange, Exchange]]:
    """Measure with clients at the server itself, there and back."""
    with _server() as server:
        return [_measured(server, count) for _ in range(runs)]


def pooled(count: int = POOLED, runs: int = RUNS) -> list[tuple[Exchange, Exchange]]:
    """Measure with clients behind a PgBouncer that is paused meanwhile, there and back."""
    with _server() as server, pgbouncer.pooler(server) as pooler:
        return [_measured(server, count, pooler) for _ in range(runs)]


def _measured(server: PostgresServer, count: int, pooler: pgbouncer.PgBouncer | None = None) -> tuple[Exchange, Exchange]:
    with pair(server, Pooler(pooler.dsn()) if pooler else None) as swap:
        dsn = pooler.dsn(swap.live) if pooler else server.dsn(swap.live)
        with writing(dsn, count) as there:
            time.sleep(_QUIET)
            swap.put()
            time.sleep(_QUIET)
        with writing(dsn, count) as back:
            time.sleep(_QUIET)
            swap.put_back()
            time.sleep(_QUIET)
        rows = {name: set(swap.rows("SELECT client, number FROM written", name)) for name in (swap.live, swap.copy)}
        return _told(there, rows, swap), _told(back, rows, swap)


def _told(seen: Seen, rows: dict[str, set[tuple[int, int]]], swap: Swap) -> Exchange:
    """Hold what clients were told against the rows of both databases, which have their first names again."""
    strays = len(seen.numbers("old") - rows[swap.live]) + len(seen.numbers("new") - rows[swap.copy])
    return Exchange(max(seen.gaps.values()), max(seen.usual.values()), seen.errors.total(), len(seen.committed), strays)


@contextmanager
def _server() -> Iterator[PostgresServer]:
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres_server.server(Path(folder) / "pg", settings={"max_connections": "150"}) as server,
    ):
        yield server


def main() -> None:
    """Measure and print."""
    for title, found in ((f"{DIRECT} direct clients", direct()), (f"{POOLED} clients behind PgBouncer", pooled())):
        for direction, number in (("there", 0), ("back", 1)):
            runs = [one[number] for one in found]
            middle = median(one.gap for one in runs)
            print(f"{title}, {direction}: median of the longest gaps {middle * 1000:.0f} ms")
            for one in runs:
                print(f"  {one}")


if __name__ == "__main__":
    main()
