"""Bloat on real servers: what is found, what is not claimed, and how near the estimates come."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from mainstay.kinds.postgres.space.bloat import Bloat, BloatParams
from mainstay.kinds.postgres.space.estimate import BloatFacts, TableBloat, look_bloat
from mainstay.model.because import Level
from mainstay.model.units import Duration, Size
from tests.kinds.postgres.conftest import Database, fresh_database, session_of, target_of
from tests.kinds.postgres.shapes import SHAPES, build, outcomes, printed
from tests.live.postgres_server import PostgresServer

RUNBOOK = (
    "SELECT schemaname, tablename, pg_size_pretty(pg_total_relation_size(schemaname||'.'||tablename)) FROM pg_tables"
    " ORDER BY pg_total_relation_size(schemaname||'.'||tablename) DESC LIMIT 10"
)
SLOW = """
CREATE OR REPLACE FUNCTION pgstattuple_approx(
  reloid regclass, OUT table_len bigint, OUT scanned_percent float8, OUT approx_tuple_count bigint, OUT approx_tuple_len bigint,
  OUT approx_tuple_percent float8, OUT dead_tuple_count bigint, OUT dead_tuple_len bigint, OUT dead_tuple_percent float8,
  OUT approx_free_space bigint, OUT approx_free_percent float8
) LANGUAGE sql AS 'SELECT length(pg_sleep(60)::text)::bigint, 0, 0, 0, 0, 0, 0, 0, 0, 0'
"""
SMALL = BloatParams(min_waste=Size(500_000))
QUICK = tuple(one for one in SHAPES if one.name in ("narrow integers", "mixed case", "changed columns", "not vacuumed"))


def facts(database: Database, **settings: Any) -> BloatFacts:
    with session_of(target_of(database, **settings)) as session:
        return look_bloat(session)


def table(database: Database, name: str) -> TableBloat:
    return next(one for one in facts(database).tables if one.name == name)


def warnings(database: Database) -> dict[str, str]:
    found = Bloat().assess(facts(database), SMALL)
    return {one.on.replace(f"table {database.name} ", ""): one.advice for one in found if one.level >= Level.WARNING}


@pytest.fixture
def bloated(database: Database) -> Database:
    """Return a database with a large table without waste, and a smaller one that is mostly waste, whose name is in mixed case."""
    database.sql("CREATE TABLE dense (id int PRIMARY KEY, note text)")
    database.sql("INSERT INTO dense SELECT g, 'note ' || md5(g::text) FROM generate_series(1, 60000) g")
    database.sql('CREATE TABLE "OldOrders" (id int, note text)')
    database.sql('INSERT INTO "OldOrders" SELECT id, note FROM dense WHERE id % 2 = 0')
    database.sql('DELETE FROM "OldOrders" WHERE id % 10 > 0')
    database.sql("VACUUM ANALYZE")
    return database


@pytest.mark.covers("DBP-05")
def test_the_runbooks_query_fails_on_a_name_in_mixed_case_and_ours_lists_it(bloated: Database) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable):
        bloated.sql(RUNBOOK)
    listed = [one.on for one in Bloat().assess(facts(bloated), SMALL) if one.level == Level.OK]
    assert listed[0] == f"table {bloated.name} public dense", "the largest comes first"
    assert f"table {bloated.name} public OldOrders" in listed


@pytest.mark.covers("DBP-05")
def test_what_is_bloated_is_found_and_what_is_only_large_is_not(bloated: Database) -> None:
    assert list(warnings(bloated)) == ["public OldOrders"]


@pytest.mark.covers("DBP-05")
def test_the_statement_in_the_advice_is_right_as_it_is(bloated: Database) -> None:
    advice = warnings(bloated)["public OldOrders"]
    bloated.sql(advice[advice.index("VACUUM FULL") :])
    assert warnings(bloated) == {}


def test_the_ten_largest_are_listed_and_have_a_history(bloated: Database) -> None:
    for number in range(12):
        bloated.sql(f"CREATE TABLE t{number} AS SELECT g FROM generate_series(1, {500 * number}) g")
    found = facts(bloated)
    assert len([one for one in Bloat().assess(found, BloatParams()) if one.level == Level.OK]) == 10
    figures = {one.name: one.value for one in Bloat().figures(found)}
    old = found.table(("table", bloated.name, "public", "OldOrders"))
    assert old
    assert figures[f"heap {bloated.name}.public.OldOrders"] == old.heap
    assert figures[f"waste of heap {bloated.name}.public.OldOrders"] == old.waste


def test_a_bloated_index_is_found_apart_from_its_table(database: Database) -> None:
    database.sql('CREATE TABLE queue (id int); CREATE INDEX "The Key" ON queue (id)')
    for done in range(4):  # new rows take the place of old ones in the table, never in the index
        database.sql(f"INSERT INTO queue SELECT {done} * 60000 + g FROM generate_series(1, 57000) g")
        database.sql("DELETE FROM queue WHERE id % 20 > 0" if done < 3 else "ANALYZE queue")
        database.sql("VACUUM ANALYZE queue")
    assert warnings(database) == {
        f"index {database.name} public The Key": 'run the task reindex, or REINDEX INDEX CONCURRENTLY "public"."The Key"'
    }


def test_a_table_without_statistics_is_unknown_when_it_cannot_be_measured(bloated: Database) -> None:
    bloated.sql("DROP EXTENSION pgstattuple; CREATE TABLE new (id int, note text)")
    bloated.sql("INSERT INTO new SELECT g, 'note' FROM generate_series(1, 30000) g")
    new = table(bloated, "new")
    assert (new.heap_expected, new.measured) == (None, False)
    assert "CREATE EXTENSION pgstattuple" in new.lacking
    assert warnings(bloated)["public new"].startswith('ANALYZE "public"."new"')


def test_a_table_without_statistics_is_measured(bloated: Database) -> None:
    bloated.sql("CREATE TABLE new (id int, note text)")
    bloated.sql("INSERT INTO new SELECT g, 'note' FROM generate_series(1, 60000) g")
    bloated.sql("DELETE FROM new WHERE id % 10 > 0")
    new = table(bloated, "new")
    assert new.measured
    assert new.ratio > 5


@pytest.fixture
def watcher(database: Database) -> Iterator[str]:
    """Return a role that may connect and nothing else."""
    role = f"watcher_{secrets.token_hex(4)}"
    database.sql(f"CREATE ROLE {role} LOGIN")
    yield role
    database.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_role_without_rights_is_told_what_is_lacking_and_measures_with_them(bloated: Database, watcher: str) -> None:
    as_watcher = {"dsn": make_conninfo(bloated.dsn, user=watcher)}
    before = next(one for one in facts(bloated, **as_watcher).tables if "Old" in one.name)
    assert (before.heap_expected, before.owned) == (None, False)
    assert f"GRANT pg_stat_scan_tables TO {watcher}" in before.lacking
    bloated.sql(f"GRANT pg_stat_scan_tables TO {watcher}")
    after = next(one for one in facts(bloated, **as_watcher).tables if "Old" in one.name)
    assert (after.measured, after.lacking) == (True, "")
    assert after.ratio > 3


def test_a_table_that_somebody_has_locked_delays_nobody(bloated: Database) -> None:
    bloated.sql("UPDATE dense SET note = note || 'x'")
    with bloated.connect() as other, other.transaction():
        other.execute("LOCK TABLE dense IN ACCESS EXCLUSIVE MODE")
        found = {one.name: one.measured for one in facts(bloated).tables}
    assert found == {"dense": False, "OldOrders": True}


def test_reading_that_takes_too_long_is_given_up(bloated: Database) -> None:
    bloated.sql(SLOW)
    assert not any(one.measured for one in facts(bloated, statement_timeout=Duration(1)).tables)


def test_an_invalid_index_is_no_obstacle(bloated: Database) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        bloated.sql("CREATE UNIQUE INDEX CONCURRENTLY broken ON dense ((id / 2))")
    (broken,) = [one for one in table(bloated, "dense").indexes if one.name == "broken"]
    assert not broken.valid


def test_one_table_is_read_closely_whatever_its_size(database: Database) -> None:
    database.sql("CREATE TABLE tiny (id int PRIMARY KEY); INSERT INTO tiny VALUES (1)")
    with session_of(target_of(database)) as session:
        for on in (("table", database.name, "public", "tiny"), ("index", database.name, "public", "tiny_pkey")):
            (tiny,) = look_bloat(session, on).tables
            assert (tiny.measured, tiny.indexes[0].measured) == (True, True)
        assert look_bloat(session, ("table", database.name, "public", "gone")).tables == ()


def test_partitions_are_judged_one_by_one(database: Database) -> None:
    database.sql("CREATE TABLE whole (day date) PARTITION BY RANGE (day)")
    database.sql("CREATE TABLE part PARTITION OF whole FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")
    database.sql("CREATE MATERIALIZED VIEW seen AS SELECT day FROM whole")
    assert {one.name for one in facts(database).tables} == {"part", "seen"}


@pytest.mark.covers("DBP-05")
def test_a_few_shapes_are_estimated_within_15_percent(database: Database) -> None:
    build(database, QUICK)
    found = outcomes(database, QUICK)
    assert all(one.good for one in found), printed(found)


@pytest.mark.slow
@pytest.mark.covers("DBP-05")
def test_every_shape_is_estimated_within_15_percent_of_what_vacuum_full_leaves(any_postgres: PostgresServer) -> None:
    with fresh_database(any_postgres) as database:
        build(database)
        found = outcomes(database)
    print(printed(found))
    assert [one.line() for one in found if not one.good] == []
