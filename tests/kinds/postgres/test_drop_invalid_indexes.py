"""Invalid indexes that are nobody's go; the others stay."""

from __future__ import annotations

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Deferred, NoParams, Session
from mainstay.model.plan import OneWay, Skip, Step
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, Perform, Sessions
from tests.kinds.postgres.rebuilding import indexes, spoil

TASK = registry.load("postgres").task("drop_invalid_indexes")
PAIRS = 'CREATE TABLE "Pairs" AS SELECT g / 2 AS n FROM generate_series(1, 100) g'
BUILD = 'CREATE UNIQUE INDEX CONCURRENTLY "One each" ON "Pairs"(n)'


def decided(session: Session) -> list[Step | Skip]:
    return TASK.plan(TASK.observe(session), NoParams(), "run-1.db.task")


@pytest.fixture
def failed(database: Database) -> Database:
    """Return a database in which a CREATE INDEX CONCURRENTLY has failed."""
    database.sql(PAIRS)
    with pytest.raises(Exception, match="could not create unique index"):
        database.sql(BUILD)
    return database


@pytest.mark.covers("DBP-04")
def test_what_a_failed_build_has_left_is_dropped_and_its_definition_kept(
    failed: Database, session: Sessions, perform: Perform
) -> None:
    with session() as opened:
        step = decided(opened)[0]
        assert isinstance(step, Step)
        assert isinstance(step.reverse, OneWay)
        definition = 'CREATE UNIQUE INDEX "One each" ON public."Pairs" USING btree (n)'
        assert step.args["definition"] == definition
        assert step.reverse.one_way.endswith(definition)
        assert perform(opened, "drop_invalid_indexes") == [None]
    assert indexes(failed) == {}


def test_an_index_that_was_made_again_meanwhile_stays(failed: Database, session: Sessions) -> None:
    with session() as opened:
        step = decided(opened)[0]
        assert isinstance(step, Step)
        failed.sql('DROP INDEX "One each"')
        failed.sql('CREATE INDEX "One each" ON "Pairs"(n)')
        assert TASK.apply(opened, step, Deadline(step.deadline)) is None
    assert list(indexes(failed)) == ["One each"]


def test_an_index_that_is_being_built_stays(failed: Database, session: Sessions) -> None:
    with session() as opened, failed.connect() as builder:
        step = decided(opened)[0]
        assert isinstance(step, Step)
        builder.execute('BEGIN; LOCK TABLE "Pairs" IN SHARE UPDATE EXCLUSIVE MODE')
        assert str(decided(opened)[0].because) == f"under way: process {builder.info.backend_pid} (client backend)"
        assert isinstance(TASK.apply(opened, step, Deadline(Duration(5))), Deferred)
    assert list(indexes(failed)) == ["One each"]


def test_the_index_of_a_constraint_stays(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE kept (i int PRIMARY KEY, j int UNIQUE NOT NULL); CREATE UNIQUE INDEX by_both ON kept(i, j)")
    database.sql("ALTER TABLE kept REPLICA IDENTITY USING INDEX by_both")
    spoil(database, "kept_pkey", "kept_j_key", "by_both")
    with session() as opened:
        assert [str(one.because) for one in decided(opened)] == [
            "replicas find rows by it: reindex it",
            "needed by constraint: kept_j_key",
            "needed by constraint: kept_pkey",
        ]
