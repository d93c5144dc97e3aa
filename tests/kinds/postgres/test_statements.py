"""Which statements take the time, on a real server that counts them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.postgres.performance.ranking import StatementParams
from mainstay.kinds.postgres.performance.statements import StatementFacts, Statements
from mainstay.model.because import Finding, Level
from mainstay.model.codec import decode, encode
from mainstay.model.units import Duration
from tests.kinds.postgres.conftest import Database, Sessions, fresh_database, session_of, target_of
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

TASK = Statements()
SLOW = "SELECT pg_sleep(1.1)"


@pytest.fixture(autouse=True)
def quiet(request: pytest.FixtureRequest) -> None:
    """Forget what other tests have called on the shared server: cheap statements do not lead there."""
    if "database" in request.fixturenames:
        request.getfixturevalue("database").sql("SELECT pg_stat_statements_reset()")


def look(session: Sessions, last: StatementFacts | None = None, **settings: Any) -> StatementFacts:
    with session(**settings) as opened:
        opened.last = decode(StatementFacts, encode(last)) if last else None
        return TASK.observe(opened)


def assessed(facts: StatementFacts, database: Database, **params: Any) -> list[Finding]:
    """Judge what belongs to this test's database; others share the server."""
    own = tuple(one for one in facts.spent if one.database == database.name)
    return TASK.assess(replace(facts, spent=own), StatementParams(**params))


def repeated(database: Database, statement: str, times: int) -> None:
    with database.connect() as connection:
        for _ in range(times):
            connection.execute(statement.encode())


@pytest.mark.covers("DBP-07")
def test_a_statement_over_a_second_is_found_and_named(database: Database, session: Sessions) -> None:
    before = look(session)
    database.sql(SLOW)
    found = [one for one in assessed(look(session, before), database) if one.level is Level.WARNING]
    assert [one.on for one in found if one.because.fact == "mean"] == ["SELECT pg_sleep($1)"]


@pytest.mark.covers("DBP-07")
def test_only_what_was_called_since_the_last_look_counts(database: Database, session: Sessions) -> None:
    repeated(database, "SELECT 17 + 4", 7)
    before = look(session)
    repeated(database, "SELECT 17 + 4", 3)
    spent = {one.query: one for one in look(session, before).spent if one.database == database.name}
    assert spent["SELECT $1 + $2"].calls == 3
    assert "CREATE TABLE" not in spent


@pytest.mark.covers("DBP-07")
def test_a_statement_that_became_slower_is_found(database: Database, session: Sessions) -> None:
    database.sql("CREATE FUNCTION work(float) RETURNS void LANGUAGE sql AS 'SELECT pg_sleep($1)'")
    first = look(session)
    repeated(database, "SELECT work(0.001)", 20)
    second = look(session, first)
    repeated(database, "SELECT work(0.02)", 20)
    slower = [one for one in assessed(look(session, second), database) if one.because.fact == "times_as_long"]
    assert [one.on for one in slower] == ["SELECT work($1)"]


def test_counters_that_were_reset_count_from_zero(database: Database, session: Sessions) -> None:
    repeated(database, "SELECT 1 + 1 + 1", 9)
    before = look(session)
    database.sql("SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)")
    repeated(database, "SELECT 1 + 1 + 1", 2)
    spent = {one.query: one.calls for one in look(session, before).spent if one.database == database.name}
    assert spent["SELECT $1 + $2 + $3"] == 2


def test_a_password_in_a_statement_is_not_kept(database: Database, session: Sessions) -> None:
    database.sql("DO $$ BEGIN PERFORM 'planted-secret'; END $$")
    database.sql("CREATE ROLE gone PASSWORD 'planted-secret'")
    database.sql("DROP ROLE gone")
    facts = look(session)
    assert any("PASSWORD" in one.query for one in facts.spent)
    assert "planted-secret" not in str(encode(facts))


@contextmanager
def under_way(database: Database, statement: str) -> Iterator[None]:
    with database.connect() as other:
        thread = threading.Thread(target=lambda: other.execute(statement.encode()))
        thread.start()
        try:
            yield
        finally:
            other.cancel_safe()
            thread.join()


@pytest.mark.covers("DBP-07")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_statement_under_way_is_named_with_what_it_waits_for(database: Database, session: Sessions) -> None:
    with under_way(database, "SELECT pg_sleep(60)"):
        facts = look(session)
        while not [one for one in facts.running if one.database == database.name and one.age > 0.1]:
            facts = look(session)
    found = assessed(facts, database, slower_than=Duration(0.1))
    named = [one for one in found if one.because.fact == "running" and database.name in one.advice]
    assert [one.on for one in named] == ["SELECT pg_sleep(60)"]
    assert "Timeout: PgSleep" in named[0].advice


@pytest.mark.covers("DBP-07")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_without_the_extension_a_sample_tells_and_what_to_do(database: Database, session: Sessions) -> None:
    database.sql("DROP EXTENSION pg_stat_statements")
    with under_way(database, "SELECT pg_sleep(60)"):
        facts = look(session)
    found = assessed(facts, database)
    assert found[0].because.fact == "pg_stat_statements"
    assert "CREATE EXTENSION" in found[0].advice
    assert facts.sample
    assert "Timeout: PgSleep" in {one.name for one in facts.sample.waits}


def test_without_the_library_a_restart_is_named(tmp_path: Path) -> None:
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    bare = postgres_server.server(tmp_path, settings={"shared_preload_libraries": ""})
    with bare as running, fresh_database(running) as database, session_of(target_of(database)) as opened:
        found = TASK.assess(TASK.observe(opened), StatementParams())
    assert found[0].because.fact == "shared_preload_libraries"
    assert "restart" in found[0].advice


def test_a_role_that_sees_too_little_is_told_which_grant_is_missing(database: Database) -> None:
    database.sql('CREATE ROLE "Little role" LOGIN')
    try:
        with session_of(target_of(database, dsn=database.server.dsn(database.name, "Little role"))) as opened:
            found = TASK.assess(TASK.observe(opened), StatementParams())
        assert found[0].advice.endswith('GRANT pg_monitor TO "Little role"')
    finally:
        database.sql('DROP ROLE "Little role"')


def test_every_version_counts(any_postgres: PostgresServer) -> None:
    with fresh_database(any_postgres) as database:
        if not database.sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements'"):
            pytest.skip(f"PostgreSQL {any_postgres.major} has no pg_stat_statements here")
        database.sql("SELECT pg_stat_statements_reset()")  # full of statements, it drops the rare ones
        with session_of(target_of(database)) as opened:
            opened.last = TASK.observe(opened)
            repeated(database, "SELECT 2 * 3", 5)
            facts = TASK.observe(opened)
        assert {one.query: one.calls for one in facts.spent if one.database == database.name}["SELECT $1 * $2"] == 5
        assert facts.period


def planned(database: Database) -> str:
    with session_of(target_of(database, explain=True)) as opened:
        facts = TASK.observe(opened)
    own = [one.key for one in facts.spent if one.database == database.name and "FROM orders" in one.query]
    return "; ".join(facts.plans.get(key, "") for key in own)


def test_plans_are_kept_when_they_are_asked_for(any_postgres: PostgresServer) -> None:
    with fresh_database(any_postgres) as database:
        database.sql("CREATE TABLE orders (id int PRIMARY KEY, what text); INSERT INTO orders VALUES (4711, 'tea')")
        repeated(database, "SELECT what, pg_sleep(0.5) FROM orders WHERE id = 4711", 3)
        assert ("orders_pkey" in planned(database)) is (any_postgres.major >= 16)
        repeated(database, "SELECT id, /* ; */ pg_sleep(0.5) FROM orders WHERE id = 4711", 3)
        assert ("holds literals, comments or semicolons" in planned(database)) is (any_postgres.major >= 16)
