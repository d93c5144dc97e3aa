"""Whatever dies in an exchange, users come in at once, and recovery ends it; nobody is left waiting in the pooler."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.postgres_crashes import Point
from tests.crash.swap_crashes import SWAP, attempt, until_nothing_fires
from tests.live import pgbouncer, postgres_server
from tests.live.pgbouncer import PgBouncer
from tests.live.postgres_server import PostgresServer

LACKING = postgres_server.missing() or pgbouncer.missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(LACKING), reason=LACKING)]
OTHERS = [
    Point("swap", "backend", "statement", 5),
    Point("swap", "server", "statement", 8),
    Point("swap", "mainstay", "journal", 6),
    Point("swap", "mainstay", "journal", 7),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgresServer, PgBouncer]]:
    """Run a server that may die, and a pooler."""
    with postgres_server.server(tmp_path_factory.mktemp("crash")) as server, pgbouncer.pooler(server) as pooler:
        yield server, pooler


def test_without_a_crash_the_exchange_ends_well(world: tuple[PostgresServer, PgBouncer]) -> None:
    result = attempt(*world, SWAP)
    assert (result.fired, result.faults) == (False, ())


@pytest.mark.covers("RBK-01")
def test_killed_at_every_statement_it_converges(world: tuple[PostgresServer, PgBouncer]) -> None:
    results = list(until_nothing_fires(*world))
    print(f"{len(results)} kills")
    assert len(results) > 10
    assert [result for result in results if result.faults] == []


@pytest.mark.parametrize("point", OTHERS, ids=str)
def test_whatever_dies_it_converges(point: Point, world: tuple[PostgresServer, PgBouncer]) -> None:
    result = attempt(*world, point)
    assert result.fired
    assert result.faults == ()
