"""Mainstay, its backend or the whole server dies in the middle of care: afterwards everything is done or nothing is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.postgres_crashes import Point, attempt, control, wrong
from tests.crash.postgres_world import ROUTINES
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(postgres_server.missing()), reason=postgres_server.missing())]
POINTS = [
    Point("reindex", "mainstay", "statement", 2, 0.05),
    Point("reindex", "backend", "statement", 1, 0.02),
    Point("reindex", "server", "statement", 2, 0.02),
    Point("mover", "mainstay", "statement", 9),
    Point("mover", "backend", "statement", 12),
    Point("mover", "server", "statement", 15),
    Point("repack", "mainstay", "child", 1, 0.2),
    Point("repack", "backend", "child", 1, 0.15),
    Point("repack", "server", "child", 1, 0.2),
    Point("tune", "mainstay", "statement", 3),
    Point("tune", "backend", "statement", 4),
    Point("tune", "server", "statement", 5),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Return a server that may die."""
    with postgres_server.server(tmp_path_factory.mktemp("crash")) as made:
        yield made


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_whatever_dies_care_ends_done_or_undone_and_leaves_nothing(point: Point, server: PostgresServer) -> None:
    result = attempt(server, point)
    assert result.fired
    assert result.committed > 20, "the writers have to be at work"
    assert wrong(result, control(server, point.routine)) == []


@pytest.mark.parametrize("routine", ROUTINES)
def test_without_a_crash_the_same_routine_ends_well(routine: str, server: PostgresServer) -> None:
    assert control(server, routine).committed > 20
