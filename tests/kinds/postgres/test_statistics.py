"""Statistics: where rows have changed, of trees of tables, and where there are none."""

from __future__ import annotations

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.model.plan import Step
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, Perform, Sessions, fresh_database, session_of, target_of
from tests.kinds.postgres.prepare import prepare
from tests.live.postgres_server import PostgresServer

ORDERS = """
CREATE TABLE "Orders" (id int, who text) WITH (autovacuum_enabled = off);
INSERT INTO "Orders" SELECT g, 'w' || g % 50 FROM generate_series(1, 5000) g;
"""
TREE = """
CREATE TABLE "Tree" (id int, who text) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF "Tree" FOR VALUES FROM (0) TO (5000);
CREATE TABLE tree_2 PARTITION OF "Tree" FOR VALUES FROM (5000) TO (9000);
INSERT INTO "Tree" SELECT g, 'w' || g % 50 FROM generate_series(1, 8000) g;
"""
KNOWN = "SELECT tablename, inherited, count(*) FROM pg_stats WHERE schemaname = 'public' GROUP BY 1, 2 ORDER BY 1, 2"


def steps(session: Session, name: str) -> list[Step]:
    task = registry.load("postgres").task(name)
    planned = task.plan(task.observe(session), task.params(), "run-1.db.task")
    return [one for one in planned if isinstance(one, Step)]


@pytest.mark.covers("DBP-11")
def test_a_table_is_analyzed_only_when_enough_of_it_has_changed(database: Database, session: Sessions, perform: Perform) -> None:
    prepare(database, ORDERS)
    with session() as opened:
        assert perform(opened, "analyze") == [None]
        assert perform(opened, "analyze") == []
        prepare(database, """UPDATE "Orders" SET who = 'x' WHERE id <= 600""")
        assert [str(one.because) for one in steps(opened, "analyze")] == ["modified_share 12 % > modified_share 10 % (default)"]


@pytest.mark.covers("DBP-11")
def test_a_partitioned_table_is_analyzed_as_a_whole_which_autovacuum_never_does(
    database: Database, session: Sessions, perform: Perform
) -> None:
    prepare(database, TREE)
    with session() as opened:
        assert perform(opened, "analyze") == [None]
        assert database.sql(KNOWN) == [("Tree", True, 2), ("tree_1", False, 2), ("tree_2", False, 2)]
        assert steps(opened, "analyze") == []
        prepare(database, 'INSERT INTO "Tree" SELECT 4000, 5 FROM generate_series(1, 900)')
        assert [one.on[3] for one in steps(opened, "analyze")] == ["Tree"]


def test_the_parent_of_an_inheritance_tree_gets_statistics_of_all_its_rows(
    database: Database, session: Sessions, perform: Perform
) -> None:
    prepare(database, ORDERS + 'CREATE TABLE more () INHERITS ("Orders"); INSERT INTO more SELECT * FROM "Orders"')
    prepare(database, "ANALYZE more")
    with session() as opened:
        assert perform(opened, "analyze") == [None]
        assert ("Orders", True, 2) in database.sql(KNOWN)
        assert steps(opened, "analyze") == []


def test_statistics_made_by_vacuum_are_not_made_twice(database: Database, session: Sessions, perform: Perform) -> None:
    prepare(database, ORDERS + 'DELETE FROM "Orders" WHERE id % 2 = 0')
    with session() as opened:
        assert perform(opened, "vacuum") == [None]
        assert steps(opened, "analyze") == steps(opened, "statistics") == []


@pytest.mark.covers("DBP-11")
def test_after_a_restore_every_table_soon_has_coarse_statistics_and_then_full_ones(
    database: Database, session: Sessions, perform: Perform
) -> None:
    prepare(database, ORDERS + 'CREATE TABLE lines AS SELECT * FROM "Orders"; CREATE INDEX ON lines(id)')
    with session() as opened:
        found = steps(opened, "statistics")
        assert [(one.args["target"], one.on[3]) for one in found] == [
            (target, name) for target in (1, 10, 0) for name in ("Orders", "lines")
        ]
        assert set(perform(opened, "statistics")) == {None}
        assert steps(opened, "statistics") == []
    bounds = "SELECT array_length(histogram_bounds, 1) FROM pg_stats WHERE tablename = 'lines' AND attname = 'id'"
    assert database.sql(bounds) == [(101,)]


def test_a_first_pass_reads_little(database: Database, session: Sessions) -> None:
    prepare(database, ORDERS)
    task = registry.load("postgres").task("statistics")
    with session() as opened:
        task.apply(opened, steps(opened, "statistics")[0], Deadline(Duration(60)))
    bounds = "SELECT array_length(histogram_bounds, 1) FROM pg_stats WHERE tablename = 'Orders' AND attname = 'id'"
    assert database.sql(bounds) == [(2,)]


def test_missing_extended_statistics_are_made(database: Database, session: Sessions, perform: Perform) -> None:
    prepare(database, ORDERS + 'ANALYZE "Orders"; CREATE STATISTICS "By both" ON id, who FROM "Orders"')
    with session() as opened:
        assert [str(one.because) for one in steps(opened, "statistics")] == ["extended statistics missing: By both"]
        assert perform(opened, "statistics") == [None]
        assert steps(opened, "statistics") == []


@pytest.mark.slow
def test_each_version_is_analyzed(any_postgres: PostgresServer, perform: Perform) -> None:
    with fresh_database(any_postgres) as made, session_of(target_of(made)) as opened:
        prepare(made, ORDERS + TREE)
        assert set(perform(opened, "statistics")) == {None}
        assert perform(opened, "analyze") == [None]
        assert ("Tree", True, 2) in made.sql(KNOWN)
        assert steps(opened, "analyze") == steps(opened, "statistics") == []
