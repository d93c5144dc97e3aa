"""Room is given back by each way, nobody is kept waiting, and nothing is left behind, on a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Deferred, Session
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Impact, Skip, Step
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, Perform, Sessions, fresh_database, session_of, target_of
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("compact")
WORTH: dict[str, Any] = {"ratio": 1.5, "min_waste": Size(0), "patience": Duration(10)}
NAMES = ("orders", "Or\"de'rs")
TABLE = """
CREATE SCHEMA "S pace";
CREATE TABLE "S pace".{name}(id int PRIMARY KEY, who text, body text, tags text[]) WITH (autovacuum_enabled = off);
ALTER TABLE "S pace".{name} ALTER body SET STORAGE EXTERNAL;
CREATE INDEX by_who ON "S pace".{name}(who);
INSERT INTO "S pace".{name} SELECT g, repeat('w' || g % 50, 20), CASE WHEN g % 3 = 0 THEN repeat('x', 5000) END, ARRAY['a']
FROM generate_series(1, 9000) g;
DELETE FROM "S pace".{name} WHERE id % 4 > 0;
ANALYZE;
"""
DIGEST = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {table} t"


def bloat(database: Database, name: str = "orders") -> str:
    """Make a bloated table; return its name as SQL writes it."""
    quoted = '"' + name.replace('"', '""') + '"'
    database.sql(TABLE.replace("{name}", quoted))
    return f'"S pace".{quoted}'


def planned(session: Session, **params: Any) -> list[Step | Skip]:
    return TASK.plan(TASK.observe(session), TASK.params(**WORTH, **params), "run-1.db.compact")


def only_step(session: Session, **params: Any) -> Step:
    [step] = [one for one in planned(session, **params) if isinstance(one, Step)]
    return step


@contextmanager
def held(database: Database, statement: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Leave a transaction open that has run a statement."""
    with database.connect() as connection, connection.transaction():
        connection.execute(statement.encode())
        yield connection


def size_of(database: Database, table: str) -> int:
    """Return the bytes of a table with its indexes and TOAST."""
    return int(database.sql("SELECT pg_total_relation_size(%s::regclass)", table)[0][0])


@pytest.mark.covers("DBP-03")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("strategy", ["auto", "mover", "rewrite"])
def test_the_room_is_given_back_and_every_row_is_as_before(
    database: Database, session: Sessions, perform: Perform, strategy: str, name: str
) -> None:
    table = bloat(database, name)
    before, old = database.sql(DIGEST.replace("{table}", table)), size_of(database, table)
    with session() as opened:
        assert perform(opened, "compact", strategy=strategy, **WORTH) == [None]
    assert database.sql(DIGEST.replace("{table}", table)) == before
    given_back = old - size_of(database, table)
    database.sql(f"VACUUM (FULL) {table}")
    assert given_back > 0.9 * (old - size_of(database, table))


@pytest.mark.covers("DBP-03")
def test_vacuum_full_of_the_runbook_keeps_readers_waiting_and_empties_the_visibility_map(database: Database) -> None:
    table = bloat(database)
    database.sql(f"VACUUM {table}")
    with database.connect() as runbook, database.connect() as reader:
        full = threading.Thread(target=lambda: runbook.execute(f"VACUUM (FULL) {table}".encode()))
        reader.execute("SET lock_timeout = '200ms'")
        with held(database, f"SELECT FROM {table}"):
            full.start()
            _until(database, "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                reader.execute(f"SELECT count(*) FROM {table}".encode())
        full.join()
    assert _visible(database, table) == 0


def test_an_open_transaction_of_another_database_does_not_make_a_rewrite_copy_dead_rows(
    postgres: PostgresServer, database: Database, session: Sessions, perform: Perform
) -> None:
    bloat(database)
    with fresh_database(postgres) as other, held(other, "SELECT txid_current()"), session() as opened:
        assert perform(opened, "compact", strategy="rewrite", **WORTH) == [None]


@pytest.mark.covers("DBP-03")
@pytest.mark.parametrize("strategy", ["repack", "rewrite"])
def test_after_a_rewrite_the_visibility_map_is_full(
    database: Database, session: Sessions, perform: Perform, strategy: str
) -> None:
    table = bloat(database)
    with session() as opened:
        assert perform(opened, "compact", strategy=strategy, **WORTH) == [None]
    assert _visible(database, table) > 0.9


def test_a_transaction_that_holds_the_table_is_waited_for_and_named(database: Database, session: Sessions) -> None:
    table = bloat(database)
    with session() as opened, held(database, f"SELECT FROM {table}") as holder:
        step = only_step(opened, strategy="repack", max_idle=Duration(0))
        deferred = TASK.apply(opened, replace(step, args={**step.args, "patience": 0.5}), Deadline(Duration(60)))
        assert isinstance(deferred, Deferred)
        assert str(deferred.because).startswith(f"an open transaction holds the table: process {holder.info.backend_pid} ")


def test_a_lost_race_for_the_lock_is_tried_again_and_nobody_queues_for_long(database: Database, session: Sessions) -> None:
    table = bloat(database)
    with session() as opened, held(database, f"SELECT FROM {table}"):
        step = only_step(opened, strategy="repack", max_idle=Duration(60), tries=2)
        deferred = TASK.apply(opened, step, Deadline(Duration(60)))
        assert isinstance(deferred, Deferred)
        assert "not free at any of 2 starts" in str(deferred.because)
        assert TASK.observe(opened, step.on).tables[0].leftovers == ()
    with session() as opened:
        assert TASK.apply(opened, step, Deadline(Duration(60))) is None


def test_a_pg_repack_that_insists_on_a_lock_to_clean_up_is_ended(database: Database, session: Sessions) -> None:
    table, began = (
        bloat(database),
        "SELECT count(*) FROM pg_class WHERE relname ~ '^log_' AND relnamespace = 'repack'::regnamespace",
    )
    with session() as opened, ThreadPoolExecutor(1) as pool:
        step = only_step(opened, strategy="repack", tries=3)
        with held(database, "SELECT txid_current()"):  # pg_repack sets its trigger, and waits for older transactions
            done = pool.submit(TASK.apply, opened, step, Deadline(Duration(60)))
            _until(database, began)
            holder = database.connect()
            holder.execute("BEGIN")
            holder.execute(f"SELECT FROM {table}".encode())
        _until(database, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT repack.repack_drop%'")
        _until(
            database,
            "SELECT (count(*) = 0)::int FROM pg_stat_activity WHERE application_name ~ 'mainstay' AND query ~ 'repack_drop'",
        )
        holder.close()
        assert done.result() is None
        assert TASK.observe(opened, step.on).tables[0].leftovers == ()


def test_an_old_snapshot_that_sees_dead_rows_is_waited_for_and_named(database: Database, session: Sessions) -> None:
    bloat(database)
    with session() as opened, database.connect() as old, old.transaction():
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT 1")
        pid, step = old.info.backend_pid, only_step(opened, strategy="mover")
        deferred = TASK.apply(opened, replace(step, args={**step.args, "patience": 0.5}), Deadline(Duration(60)))
    assert isinstance(deferred, Deferred)
    assert f"process {pid} " in str(deferred.because)


def leave_over(database: Database, table: str) -> None:
    """Leave what a pg_repack leaves that is killed while it copies."""
    [texts] = database.sql(
        "SELECT create_pktype, create_log, create_trigger, enable_trigger, create_table_1 || tablespace_orig || create_table_2"
        " FROM repack.tables WHERE relid = %s::regclass",
        table,
    )
    for text in texts:
        database.sql(text)


def test_what_a_killed_pg_repack_has_left_is_taken_away(database: Database, session: Sessions) -> None:
    table = bloat(database)
    with session() as opened:
        step = only_step(opened, strategy="repack")
        leave_over(database, table)
        left = TASK.observe(opened, step.on)
        assert len(left.tables[0].leftovers) == 4
        assert "left behind: " in (TASK.verify(left, left, step) or "")
        TASK.tidy(opened, step, Deadline(Duration(30)))
        assert TASK.observe(opened, step.on).tables[0].leftovers == ()
    database.sql(f"UPDATE {table} SET who = 'w'")


def test_what_a_pg_repack_at_work_needs_is_left_alone(database: Database, session: Sessions) -> None:
    table = bloat(database)
    with session() as opened, database.connect() as other:
        step = only_step(opened, strategy="repack")
        leave_over(database, table)
        other.execute("SELECT pg_advisory_lock(16185446, (%s::bigint - 2147483648)::int)", (step.args["oid"],))
        TASK.tidy(opened, step, Deadline(Duration(30)))
        found = TASK.observe(opened, step.on).tables[0]
        assert found.repacking
        assert len(found.leftovers) == 4


def test_a_half_built_index_of_the_mover_is_taken_away(database: Database, session: Sessions) -> None:
    table = bloat(database)
    with session() as opened:
        step = only_step(opened, strategy="mover")
        database.sql(f"CREATE INDEX by_who_ccnew ON {table}(who)")
        database.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"S pace\".by_who_ccnew'::regclass")
        TASK.tidy(opened, step, Deadline(Duration(30)))
    assert database.sql("SELECT relname FROM pg_class WHERE relname ~ '_ccnew'") == []


def test_triggers_stay_silent_when_a_superuser_moves_rows(database: Database, session: Sessions, perform: Perform) -> None:
    table = bloat(database)
    _audit(database, table)
    with session() as opened:
        assert perform(opened, "compact", strategy="mover", **WORTH) == [None]
    assert database.sql("SELECT count(*) FROM audit") == [(0,)]


def test_an_owner_without_further_rights_moves_rows_unless_triggers_would_fire(database: Database, perform: Perform) -> None:
    with _owner(database) as name, session_of(target_of(database, dsn=database.server.dsn(database.name, name))) as opened:
        table = bloat(database)
        database.sql(f'ALTER SCHEMA "S pace" OWNER TO {name}; ALTER TABLE {table} OWNER TO {name}')
        _audit(database, table)
        reasons = [str(one.because) for one in planned(opened) if isinstance(one, Skip) and one.on[0] == "strategy"]
        assert reasons[1:3] == [f"pg_repack needs a superuser; role: {name}", "each move would set off: audit"]
        database.sql(f"DROP TRIGGER audit ON {table}")
        assert perform(opened, "compact", **WORTH) == [None]


def test_rows_of_every_kind_of_column_are_moved_unchanged(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql(KINDS)
    before = database.sql(DIGEST.replace("{table}", "kinds"))
    with session() as opened:
        steps = [one for one in planned(opened, strategy="mover") if isinstance(one, Step)]
        assert {one.on[-1] for one in steps} == {"kinds_1", "kinds_2"}
        assert perform(opened, "compact", strategy="mover", **WORTH) == [None, None]
    assert database.sql(DIGEST.replace("{table}", "kinds")) == before


def test_a_table_that_is_dropped_meanwhile_is_a_clear_failure(database: Database, session: Sessions) -> None:
    table = bloat(database)
    with session() as opened:
        step = only_step(opened, strategy="mover")
        before = TASK.observe(opened, step.on)
        database.sql(f"DROP TABLE {table}")
        assert TASK.verify(before, TASK.observe(opened, step.on), step) == "the table is gone"
        with pytest.raises(StepFailed, match="gone"):
            TASK.apply(opened, step, Deadline(Duration(30)))


def test_downtime_is_said_to_be_downtime(database: Database, session: Sessions) -> None:
    bloat(database)
    with session() as opened:
        step = only_step(opened, strategy="rewrite")
    assert step.impact is Impact.DOWNTIME
    assert step.needs_consent


@pytest.mark.parametrize("strategy", ["mover", "rewrite", "repack"])
def test_each_version_gives_room_back(any_postgres: PostgresServer, perform: Perform, strategy: str) -> None:
    with fresh_database(any_postgres) as database, session_of(target_of(database)) as opened:
        table = bloat(database)
        before, program = database.sql(DIGEST.replace("{table}", table)), any_postgres.binaries
        if strategy == "repack" and (program.root or not program.has("pg_repack")):
            pytest.skip(f"no pg_repack {any_postgres.major} on this host")
        assert perform(opened, "compact", strategy=strategy, **WORTH) == [None]
        assert database.sql(DIGEST.replace("{table}", table)) == before


KINDS = """
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);
CREATE TABLE kinds(id bigint GENERATED ALWAYS AS IDENTITY, of_year int, d positive, p pair, j jsonb, js json, x xml,
  v varchar(9000), c char(5), b bytea, n numeric(1000, 2), r int4range[], l text[], m int[][], t tsvector, h text COLLATE "C",
  twice int GENERATED ALWAYS AS (of_year * 2) STORED) PARTITION BY LIST (of_year);
CREATE TABLE kinds_1 PARTITION OF kinds FOR VALUES IN (1);
CREATE UNLOGGED TABLE kinds_2 PARTITION OF kinds FOR VALUES IN (2);
INSERT INTO kinds(of_year, d, p, j, js, x, v, c, b, n, r, l, m, t, h) SELECT
  1 + g % 2, g, ROW(g, w)::pair, to_jsonb(w), to_json(w), xmlelement(name a, w), left(w, 9000), 'ab', w::bytea, g,
  ARRAY[int4range(1, g)], ARRAY[w, NULL], ARRAY[[1, g], [2, 3]], to_tsvector('simple', left(w, 2000)), w
FROM generate_series(1, 800) g, LATERAL (SELECT string_agg(md5(g::text || i), ' ') AS w FROM generate_series(1, 150) i) s;
ALTER TABLE kinds DROP COLUMN h;
DELETE FROM kinds WHERE id % 8 > 1;
UPDATE kinds SET l = '[3:3]={x}', m = '{}', p = NULL WHERE id % 16 = 0;
ANALYZE;
"""


def _audit(database: Database, table: str) -> None:
    database.sql("CREATE TABLE audit(who text)")
    database.sql(
        "CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql"
        " AS $$BEGIN INSERT INTO audit VALUES (NEW.who); RETURN NEW; END$$"
    )
    database.sql(f"CREATE TRIGGER audit BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION audit()")


@contextmanager
def _owner(database: Database) -> Iterator[str]:
    name = f"owner_of_{database.name}"
    database.sql(f"CREATE ROLE {name} LOGIN")
    try:
        yield name
    finally:
        database.sql(f"REASSIGN OWNED BY {name} TO postgres; DROP OWNED BY {name}; DROP ROLE {name}")


def _visible(database: Database, table: str) -> float:
    """Return the share of pages that the visibility map knows to be visible to everybody."""
    [(share,)] = database.sql(
        "SELECT relallvisible / greatest(relpages, 1)::float8 FROM pg_class WHERE oid = %s::regclass", table
    )
    return float(share)


def _until(database: Database, query: str) -> None:
    until = time.monotonic() + 10
    while database.sql(query) == [(0,)]:
        assert time.monotonic() < until, query
        time.sleep(0.01)
