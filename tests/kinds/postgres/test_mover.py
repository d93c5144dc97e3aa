"""Rows that are moved beside every kind of writer: none is lost, changed or kept waiting for long, and no room is wasted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.model.plan import Step
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from tests.kinds.postgres import writers
from tests.kinds.postgres.conftest import fresh_database, session_of, target_of
from tests.kinds.postgres.writers import Work
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("compact")
EVERYTHING: list[list[Work]] = [
    [(end, [(name, 40 * number + 4 * lap) for number, name in enumerate([*writers.CHANGES, *writers.LOOKS])])]
    for lap, end in enumerate(writers.ENDS)
]


def planned(session: Session, **params: object) -> Step:
    """Return the step that moves the rows of `orders`."""
    known = {"ratio": 1.2, "min_waste": Size(0), "strategy": "mover", "patience": Duration(30), **params}
    steps = TASK.plan(TASK.observe(session), TASK.params(**known), "run-1.db.compact")
    return next(one for one in steps if isinstance(one, Step) and one.on[-1] == "orders")


def move_beside(server: PostgresServer, scripts: Sequence[Sequence[Work]]) -> None:
    """Move the rows while the scripts are worked off; every row has to be as its shadow in the end."""
    with fresh_database(server) as database:
        database.sql(writers.SETUP)
        with session_of(target_of(database)) as session, writers.at_work(database, scripts) as failed:
            before = database.sql("SELECT pg_table_size('orders')")[0][0]
            TASK.apply(session, planned(session), Deadline(Duration(120)))
        assert failed == []
        assert database.sql(writers.DIFFERENT) == []
        assert database.sql("SELECT of_order FROM items EXCEPT SELECT id FROM orders") == []
        assert database.sql("SELECT indexrelid FROM pg_index WHERE NOT indisvalid") == []
        database.sql("VACUUM orders")
        assert database.sql("SELECT pg_table_size('orders')")[0][0] <= before  # one new row at its end may keep all pages


def test_no_row_is_lost_beside_all_kinds_of_changes(postgres: PostgresServer) -> None:
    move_beside(postgres, EVERYTHING)


@settings(max_examples=1, deadline=None, suppress_health_check=list(HealthCheck))
@given(scripts=writers.scripts)
def test_no_row_is_lost_beside_any_writers(postgres: PostgresServer, scripts: list[list[Work]]) -> None:
    move_beside(postgres, scripts)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(scripts=writers.scripts)
def test_no_row_is_lost_beside_any_writers_for_long(postgres: PostgresServer, scripts: list[list[Work]]) -> None:
    move_beside(postgres, scripts)
