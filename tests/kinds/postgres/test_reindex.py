"""Indexes are rebuilt while everybody goes on, and what a failed rebuild leaves is taken away."""

from __future__ import annotations

import secrets

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.indexes.rebuild import ReindexParams
from mainstay.model.errors import DeadlinePassed, StepFailed
from mainstay.model.plan import Skip, Step
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from tests.kinds.postgres import rebuilding
from tests.kinds.postgres.conftest import Database, Perform, Sessions, fresh_database, session_of, target_of
from tests.kinds.postgres.prepare import prepare
from tests.kinds.postgres.rebuilding import BLOATED, SMALL, indexes
from tests.kinds.postgres.test_vacuum import psql
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("reindex")


def decided(session: Session) -> list[Step | Skip]:
    return TASK.plan(TASK.observe(session), SMALL, "run-1.db.reindex")


def reasons(session: Session) -> dict[str, str]:
    """Return why each index is left alone, by its name."""
    return {one.on[3]: str(one.because) for one in decided(session) if isinstance(one, Skip)}


@pytest.mark.covers("DBP-04")
def test_a_bloated_index_is_rebuilt_and_smaller(database: Database, session: Sessions, perform: Perform) -> None:
    prepare(database, BLOATED)
    before = indexes(database)
    with session() as opened:
        assert perform(opened, "reindex", ratio=1.5, min_waste=Size(0)) == [None]
        assert "ratio" in reasons(opened)["By who"]
    after = indexes(database)
    assert {name: one[:2] for name, one in after.items()} == {name: one[:2] for name, one in before.items()}
    assert after["By who"][2] < before["By who"][2] / 3
    assert after["Orders_pkey"] == before["Orders_pkey"]


@pytest.mark.covers("DBP-04")
def test_after_a_rewrite_of_the_table_nothing_is_rebuilt_once_more(database: Database, session: Sessions) -> None:
    prepare(database, BLOATED)
    prepare(database, 'VACUUM FULL "Orders"')
    prepare(database, 'ANALYZE "Orders"')
    with session() as opened:
        assert [one for one in decided(opened) if isinstance(one, Step)] == []
        assert "<= ratio 1.5" in reasons(opened)["By who"]


@pytest.mark.covers("DBP-04")
def test_the_shell_reports_success_where_nothing_was_rebuilt(database: Database) -> None:
    prepare(database, BLOATED)
    before = indexes(database)
    done = psql(database, "-d", database.name, stdin=f"REINDEX DATABASE {database.name} VERBOSE;\n\\q\n")
    assert "syntax error" in done.stderr
    assert done.returncode == 0
    assert indexes(database) == before


def test_an_old_transaction_is_waited_for_until_the_time_is_over_and_named_meanwhile(
    database: Database, session: Sessions
) -> None:
    prepare(database, BLOATED)
    with session() as opened, database.connect() as writer:
        step = next(one for one in decided(opened) if isinstance(one, Step))
        writer.execute('BEGIN; UPDATE "Orders" SET who = who WHERE id = 7')
        told: list[str] = []
        opened.progress = lambda _done, _total, unit: told.append(unit)
        with pytest.raises(DeadlinePassed):
            TASK.apply(opened, step, Deadline(Duration(2.5)))
        assert f"sessions waiting for writers before build: process {writer.info.backend_pid}" in told
        writer.execute("ROLLBACK")
        assert any(not valid for _, valid, _ in indexes(database).values()), "it left its copy"
        TASK.tidy(opened, step, Deadline(Duration(60)))
    assert {name: valid for name, (_, valid, _) in indexes(database).items()} == {"By who": True, "Orders_pkey": True}


def test_a_rebuild_that_fails_leaves_nothing(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE pairs AS SELECT g / 2 AS n FROM generate_series(1, 100) g")
    with pytest.raises(Exception, match="could not create unique index"):
        database.sql("CREATE UNIQUE INDEX CONCURRENTLY one_each ON pairs(n)")
    with session() as opened:
        step = next(one for one in decided(opened) if isinstance(one, Step))
        assert str(step.because) == "not valid: queries do not use it"
        with pytest.raises(StepFailed, match="could not create unique index"):
            TASK.apply(opened, step, Deadline(step.deadline))
        assert list(indexes(database)) == ["one_each", "one_each_ccnew"]
        TASK.tidy(opened, step, Deadline(Duration(60)))
    assert list(indexes(database)) == ["one_each"]


@pytest.mark.covers("DBP-04")
def test_what_an_earlier_rebuild_has_left_is_found_and_dropped_but_not_while_one_runs(
    database: Database, session: Sessions, perform: Perform
) -> None:
    prepare(database, BLOATED)
    with database.connect() as writer, database.connect() as builder, session() as opened:
        writer.execute('BEGIN; UPDATE "Orders" SET who = who WHERE id = 7')
        builder.execute("SET statement_timeout = '500ms'")
        with pytest.raises(Exception, match="statement timeout"):
            builder.execute('REINDEX INDEX CONCURRENTLY "By who"')
        writer.execute("ROLLBACK")
        builder.execute('BEGIN; LOCK TABLE "Orders" IN SHARE UPDATE EXCLUSIVE MODE')
        assert reasons(opened)["By who_ccnew"] == f"under way: process {builder.info.backend_pid} (client backend)"
        builder.execute("ROLLBACK")
        assert perform(opened, "reindex", ratio=100.0) == [None]
    assert list(indexes(database)) == ["By who", "Orders_pkey"]


def test_an_exclusion_constraint_and_a_partition_are_told_apart(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql("CREATE TABLE spans (during int4range, EXCLUDE USING gist (during WITH &&))")
    database.sql('CREATE TABLE parted (i int) PARTITION BY RANGE (i); CREATE INDEX "Whole" ON parted(i)')
    database.sql("CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (9)")
    rebuilding.spoil(database, "spans_during_excl", "part_i_idx")
    with session() as opened:
        assert reasons(opened) == {"spans_during_excl": "concurrently impossible for an exclusion constraint: spans_during_excl"}
        assert perform(opened, "reindex") == [None]
    assert indexes(database)["part_i_idx"][1]


@pytest.mark.covers("DBP-04")
def test_after_an_update_of_the_libraries_indexes_on_text_are_rebuilt(
    database: Database, session: Sessions, perform: Perform
) -> None:
    database.sql("CREATE COLLATION german (provider = icu, locale = 'de')")
    database.sql(
        "CREATE TABLE words (word text COLLATE german, n int); CREATE INDEX by_word ON words(word); CREATE INDEX ON words(n)"
    )
    database.sql("UPDATE pg_collation SET collversion = '1' WHERE collname = 'german'")
    with session() as opened:
        steps = [one for one in decided(opened) if isinstance(one, Step)]
        assert [(one.action, one.on[3]) for one in steps] == [("reindex", "by_word"), ("record", "german")]
        assert str(steps[0].because).startswith("version of collation german ")
        assert "rebuilds the indexes" in TASK.assess(TASK.observe(opened), ReindexParams())[0].advice
        assert perform(opened, "reindex") == [None, None]
        assert [one for one in decided(opened) if isinstance(one, Step)] == []


@pytest.mark.covers("DBP-04")
def test_the_order_of_a_whole_database_is_recorded_once_all_of_its_indexes_are_rebuilt(
    postgres: PostgresServer, perform: Perform
) -> None:
    made = Database(postgres, f"icu_{secrets.token_hex(4)}")
    postgres.sql(f"CREATE DATABASE {made.name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de'")
    try:
        made.sql("CREATE TABLE words (word text PRIMARY KEY, n int UNIQUE)")
        made.sql("UPDATE pg_database SET datcollversion = '1' WHERE datname = current_database()")
        with session_of(target_of(made)) as opened:
            steps = [one for one in decided(opened) if isinstance(one, Step)]
            assert [one.id for one in steps] == [f"reindex {made.name} public words_pkey", f"record {made.name}.of the database"]
            assert perform(opened, "reindex") == [None, None]
            assert TASK.assess(TASK.observe(opened), ReindexParams()) == []
    finally:
        postgres.sql(f"DROP DATABASE {made.name} WITH (FORCE)")


def test_what_a_rebuild_has_left_of_the_index_of_a_toast_table_is_dropped(
    database: Database, session: Sessions, perform: Perform
) -> None:
    database.sql("CREATE TABLE wide (t text)")
    toast = """
        SELECT i.relname FROM pg_class i JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_class t ON t.reltoastrelid = x.indrelid
        WHERE t.relname = 'wide' AND NOT x.indisvalid
    """
    with database.connect() as reader, database.connect() as builder, session() as opened:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        builder.execute("SET statement_timeout = '500ms'")
        name = database.sql(toast.replace("AND NOT x.indisvalid", ""))[0][0]
        with pytest.raises(Exception, match="statement timeout"):
            builder.execute(f"REINDEX INDEX CONCURRENTLY pg_toast.{name}".encode())
        reader.execute("ROLLBACK")
        assert database.sql(toast) == [(f"{name}_ccnew",)]
        assert perform(opened, "reindex") == [None]
    assert database.sql(toast) == []


@pytest.mark.slow
def test_each_version_rebuilds(any_postgres: PostgresServer, perform: Perform) -> None:
    with fresh_database(any_postgres) as made, session_of(target_of(made)) as opened:
        prepare(made, BLOATED)
        assert perform(opened, "reindex", ratio=1.5, min_waste=Size(0)) == [None]
        assert all(valid for _, valid, _ in indexes(made).values())
