"""VACUUM where it is needed, and what the shell's one-liners do in its place."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Deferred, Session
from mainstay.kinds.postgres.vacuum.need import VacuumParams
from mainstay.model.plan import Skip, Step
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, Perform, Sessions, fresh_database, session_of, target_of
from tests.kinds.postgres.prepare import prepare
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("vacuum")
NAME = 'Odd "name'
HALF_DEAD = """
CREATE SCHEMA "My schema";
CREATE TABLE "My schema"."Odd ""name" (i int) WITH (autovacuum_enabled = off);
INSERT INTO "My schema"."Odd ""name" SELECT generate_series(1, 20000);
CREATE TABLE "My schema".quiet AS SELECT generate_series(1, 900) AS i;
ANALYZE "My schema"."Odd ""name", "My schema".quiet;
DELETE FROM "My schema"."Odd ""name" WHERE i % 2 = 0;
"""


def decided(session: Session, **params: Any) -> list[Step | Skip]:
    return TASK.plan(TASK.observe(session), VacuumParams(**params), "run-1.db.vacuum")


def steps(session: Session, **params: Any) -> list[Step]:
    return [one for one in decided(session, **params) if isinstance(one, Step)]


def counters(database: Database, name: str = NAME) -> tuple[int, ...]:
    """Return rows that are dead, and how often a table was vacuumed and analyzed by hand."""
    query = "SELECT n_dead_tup, vacuum_count, analyze_count FROM pg_stat_all_tables WHERE relname = %s"
    return tuple(int(n) for n in database.sql(query, name)[0])


def psql(database: Database, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the shell's client as the runbooks do; without -d it takes the database postgres."""
    address = ["-h", "127.0.0.1", "-p", str(database.server.port), "-U", "postgres"]
    return subprocess.run(["psql", *address, *argv], input=stdin, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.covers("DBP-01")
def test_dead_rows_are_removed_and_statistics_made_in_one_pass(database: Database, session: Sessions, perform: Perform) -> None:
    prepare(database, HALF_DEAD)
    with session() as opened:
        assert [one.on[3] for one in steps(opened)] == [NAME]
        assert perform(opened, "vacuum") == [None]
        assert counters(database) == (0, 1, 2)
        assert counters(database, "quiet") == (0, 0, 1)
        assert steps(opened) == []


@pytest.mark.covers("DBP-01")
def test_the_shell_touches_only_the_database_postgres(database: Database) -> None:
    prepare(database, HALF_DEAD)
    assert psql(database, "-c", "VACUUM ANALYZE;").returncode == 0
    assert counters(database)[1:] == (0, 1)


@pytest.mark.covers("DBP-02")
def test_the_shell_reports_success_where_nothing_was_vacuumed(database: Database, session: Sessions, perform: Perform) -> None:
    prepare(database, HALF_DEAD)
    done = psql(database, "-d", database.name, stdin="VACUUM ANALYZE VERBOSE;\n\\q\n")
    assert "syntax error" in done.stderr
    assert done.returncode == 0
    assert counters(database)[1] == 0
    with session() as opened:
        assert perform(opened, "vacuum", scope="all") == [None, None]
    assert counters(database)[1] == counters(database, "quiet")[1] == 1


@pytest.mark.covers("DBP-02")
def test_a_weekly_run_covers_every_database_and_reports_the_age_of_each(
    database: Database, session: Sessions, perform: Perform
) -> None:
    with fresh_database(database.server) as other:
        for one in (database, other):
            prepare(one, HALF_DEAD)
        with session(databases=("*",)) as opened:
            done = {step.on[1] for step in steps(opened, scope="all")}
            judged = {finding.on.split(":")[0] for finding in TASK.assess(TASK.observe(opened), VacuumParams(scope="all"))}
        with session(databases=(other.name,)) as opened:
            perform(opened, "vacuum", scope="all")
        assert {database.name, other.name} <= done
        assert {f"database {database.name}", f"database {other.name}"} <= judged
        assert counters(other)[:2] == (0, 1)


def test_old_rows_are_frozen(database: Database, session: Sessions, perform: Perform) -> None:
    prepare(database, HALF_DEAD)
    for _ in range(30):
        database.sql("SELECT pg_current_xact_id()")
    with session() as opened:
        assert set(perform(opened, "vacuum", freeze_age=0.00000005)) == {None}
    ages = database.sql("SELECT age(relfrozenxid) FROM pg_class WHERE relname IN (%s, 'quiet')", NAME)
    assert max(age for (age,) in ages) < 25


def test_a_locked_table_is_left_to_another_time(database: Database, session: Sessions) -> None:
    prepare(database, HALF_DEAD)
    with session() as opened, database.connect() as holder:
        step = steps(opened)[0]
        holder.execute('BEGIN; LOCK TABLE "My schema"."Odd ""name" IN ACCESS SHARE MODE')
        assert TASK.apply(opened, step, Deadline(step.deadline)) is None, "readers do not matter"
        holder.execute('LOCK TABLE "My schema"."Odd ""name" IN SHARE UPDATE EXCLUSIVE MODE')
        assert isinstance(TASK.apply(opened, step, Deadline(step.deadline)), Deferred)


def test_rows_that_an_old_transaction_keeps_are_told_with_its_process(
    database: Database, session: Sessions, perform: Perform
) -> None:
    prepare(database, HALF_DEAD.partition("DELETE")[0])
    with database.connect() as reader, session() as opened:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        prepare(database, 'DELETE FROM "My schema"."Odd ""name" WHERE i % 2 = 0')
        assert perform(opened, "vacuum") == [None], "it was vacuumed, though nothing could be removed"
        said = [str(one.because) for one in decided(opened, recent=0) if one.on[3] == NAME]
        assert said == [
            f"10,000 dead rows cannot be removed because of: process {reader.info.backend_pid} (postgres, idle in transaction)"
        ]
        findings = [str(one) for one in TASK.assess(TASK.observe(opened), VacuumParams())]
        assert any(f"dead rows kept by process {reader.info.backend_pid}" in one for one in findings)


def test_a_role_that_owns_nothing_vacuums_nothing_and_says_so(database: Database, target: Callable[..., Target]) -> None:
    prepare(database, HALF_DEAD)
    role = f"Nobody {database.name}"
    database.sql(f'CREATE ROLE "{role}" LOGIN')
    try:
        with session_of(target(dsn=database.server.dsn(database.name, role))) as opened:
            found = decided(opened, scope="all")
    finally:
        database.sql(f'DROP ROLE "{role}"')
    assert {str(one.because) for one in found if one.on[2] == "My schema"} == {"owner: postgres"}


@pytest.mark.covers("DBP-14")
def test_sizes_are_figures_in_bytes(database: Database, session: Sessions) -> None:
    prepare(database, HALF_DEAD)
    with session() as opened:
        figures = {one.name: (one.value, one.unit) for one in TASK.figures(TASK.observe(opened))}
    size = database.sql("SELECT pg_relation_size(oid) FROM pg_class WHERE relname = %s", NAME)[0][0]
    assert figures[f"heap {database.name}.My schema.{NAME}"] == (size, "B")


@pytest.mark.slow
def test_each_version_is_vacuumed(any_postgres: PostgresServer, perform: Perform) -> None:
    with fresh_database(any_postgres) as made, session_of(target_of(made)) as opened:
        prepare(made, HALF_DEAD)
        assert perform(opened, "vacuum", scope="all") == [None, None]
        assert counters(made)[:2] == (0, 1)
