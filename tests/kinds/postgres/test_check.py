"""What a DBA looks at each day, with the fault planted at a real server: each is found, named, and has a way out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.health.facts import HealthFacts
from mainstay.kinds.postgres.health.probe import probe
from mainstay.kinds.postgres.settings import Limits
from mainstay.model.because import Finding, Level
from mainstay.model.codec import canonical, decode
from mainstay.model.units import Duration, Share
from tests.kinds.postgres.conftest import Database, Sessions, session_of, target_of
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("check")
NOTHING = TASK.params()
AT_ONCE = Duration(0.05)
SEQUENCES = """
CREATE TABLE "Or""ders" (id serial PRIMARY KEY, "Line" smallint GENERATED ALWAYS AS IDENTITY, total bigserial);
CREATE SEQUENCE plain; ALTER TABLE "Or""ders" ADD code int DEFAULT nextval('plain');
SELECT setval('"Or""ders_id_seq"', 1900000000), setval('"Or""ders_Line_seq"', 32000), setval('"Or""ders_total_seq"', 3000000000),
       setval('plain', 2000000000);
CREATE SEQUENCE turning AS smallint CYCLE; SELECT setval('turning', 32767);
CREATE SEQUENCE falling AS smallint INCREMENT -1; SELECT setval('falling', -30000);
"""
BURN = """
DO $$ BEGIN FOR i IN 1..3000 LOOP BEGIN INSERT INTO one VALUES (1); EXCEPTION WHEN division_by_zero THEN END; END LOOP; END $$
"""  # each with a number of its own


def look(session: Session) -> HealthFacts:
    """Look as the engine does: facts go through the journal."""
    facts: HealthFacts = decode(HealthFacts, json.loads(canonical(TASK.observe(session))))
    return facts


def found(session: Session) -> dict[str, Finding]:
    """Return the newest finding on each thing that is not as it should be."""
    return {one.on: one for one in TASK.assess(look(session), NOTHING) if one.level is not Level.OK}


@contextmanager
def background(connection: psycopg.Connection[Any], statement: str) -> Iterator[int]:
    """Run a statement in another session while the test goes on; it is cancelled at the end."""

    def run() -> None:
        with ExitStack() as stack:
            stack.enter_context(pytest.raises(psycopg.Error))
            connection.execute(statement.encode())
            raise psycopg.Error("ended by itself")

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield connection.info.backend_pid
    finally:
        connection.cancel_safe()
        thread.join(20)


def wait_for(database: Database, condition: str, *values: Any) -> None:
    until = time.monotonic() + 20
    while not database.sql(f"SELECT 1 FROM {condition}", *values):
        assert time.monotonic() < until, condition
        time.sleep(0.02)


@pytest.mark.covers("DBP-13", "POST-03")
def test_a_healthy_server_is_logged_into_read_and_written(session: Sessions) -> None:
    with session() as opened:
        facts = look(opened)
    assert facts.probe.read > 0
    assert facts.probe.write is not None
    assert facts.probe.write > 0
    assert facts.server.major == 15
    seen, *others = TASK.assess(facts, NOTHING)
    assert "durable write" in str(seen)
    assert [one for one in others if "end of life" not in str(one.because)] == []


def test_the_write_reaches_the_disk_and_leaves_nothing(database: Database, session: Sessions) -> None:
    rows = "SELECT count(*), sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_all_tables"
    with session() as opened:
        before, ((inserted,),) = database.sql(rows), database.sql("SELECT pg_current_wal_insert_lsn()")
        probed = probe(opened.connection, standby=False)
        assert database.sql("SELECT pg_current_wal_flush_lsn() > %s::pg_lsn", inserted) == [(True,)]
        assert database.sql(rows) == before
    assert (probed.untried, probed.failed) == ("", "")


@pytest.mark.covers("HLT-05", "KPI-06")
def test_latency_and_cache_hit_are_compared_with_their_limits(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE large AS SELECT g, repeat('x', 500) AS t FROM generate_series(1, 100000) g")
    limits = Limits(latency=Duration(0.000001), cache_hit=Share(1))
    with session(limits=limits) as opened:
        opened.last = look(opened)
        for _ in range(2):
            database.sql("SELECT count(*) FROM large")
        facts = look(opened)
        reasons = [str(one.because) for one in TASK.assess(facts, NOTHING) if one.level is Level.WARNING]
    assert any(one.startswith("read_latency") for one in reasons)
    assert any(one.startswith("write_latency") for one in reasons)
    assert any(one.startswith("cache_hit") and "limits.cache_hit 100 %" in one for one in reasons)
    names = {one.name: one.value for one in TASK.figures(facts)}
    assert names.keys() >= {"connections", "cache hit", "read latency", "write latency", "wraparound", "oldest transaction"}
    assert names[f"database {database.name}"] > 50_000_000


def test_too_little_was_read_to_judge_the_cache(session: Sessions) -> None:
    with session() as opened:
        opened.last = look(opened)
        said = [str(one) for one in TASK.assess(look(opened), NOTHING)]
    assert any("too little was read" in one for one in said)


@pytest.mark.covers("DBP-10")
def test_connections_above_the_limit_are_told_by_who_holds_them(database: Database, session: Sessions) -> None:
    """31 of 37 are more than 80 %; the runbook's advice is a larger limit, ours is a pooler."""
    with session() as opened, ExitStack() as stack:
        for _ in range(31):
            psycopg_session = stack.enter_context(database.connect())
            psycopg_session.execute("SET application_name = 'shop'")
        finding = found(opened)["connections"]
        assert "of 37: 31 idle of postgres (shop)" in finding.advice
        assert "pooler in front" in finding.advice
        assert finding.level is (Level.WARNING if look(opened).capacity.share < 0.95 else Level.CRITICAL)
    with session() as opened:
        assert "connections" not in found(opened)


def test_the_last_connections_are_critical(database: Database, session: Sessions) -> None:
    with session() as opened, ExitStack() as stack:
        for _ in range(35):
            stack.enter_context(database.connect())
        assert found(opened)["connections"].level is Level.CRITICAL


@pytest.mark.covers("DBP-08")
def test_a_statement_over_its_limit_is_named_without_its_values(database: Database, session: Sessions) -> None:
    limits = Limits(statement=AT_ONCE)
    with session(limits=limits) as opened, database.connect() as other, background(other, "SELECT pg_sleep(30), 'secret'") as pid:
        wait_for(database, "pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%%' AND query_start < now() - interval '0.1 s'")
        finding = found(opened)[f"process {pid}"]
    assert str(finding.because).startswith("statement ")
    assert "SELECT pg_sleep(30)" in finding.advice
    assert "secret" not in finding.advice
    assert f"pg_cancel_backend({pid})" in finding.advice


@pytest.mark.covers("DBP-08")
def test_a_dump_is_left_alone_however_long_it_takes(database: Database, session: Sessions) -> None:
    with session(limits=Limits(transaction=AT_ONCE)) as opened, database.connect() as dump:
        dump.execute("SET application_name = 'pg_dump'")
        dump.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        time.sleep(0.1)
        said = [one for one in TASK.assess(look(opened), NOTHING) if one.on == f"process {dump.info.backend_pid}"]
    assert [one.level for one in said] == [Level.OK]
    assert said[0].advice == "leave it alone: backup"


def test_an_open_transaction_over_its_limit_is_named(database: Database, session: Sessions) -> None:
    with session(limits=Limits(transaction=AT_ONCE, idle_transaction=Duration(60))) as opened, database.connect() as other:
        other.execute("BEGIN")
        other.execute("CREATE TABLE kept()")
        time.sleep(0.1)
        on = f"process {other.info.backend_pid}"
        assert "transaction" in str(found(opened)[on].because)
        assert f"pg_terminate_backend({other.info.backend_pid})" in found(opened)[on].advice
        other.execute("ROLLBACK")
        assert on not in found(opened)


@pytest.mark.covers("DBP-09")
def test_the_root_of_a_chain_of_waiting_sessions_is_named(database: Database, session: Sessions) -> None:
    """The first waits for nobody, the second for the first, the third for the second."""
    database.sql("CREATE TABLE stock(n int); INSERT INTO stock VALUES (1)")
    with ExitStack() as stack:
        opened = stack.enter_context(session(limits=Limits(lock_wait=AT_ONCE)))
        root, middle, last = (stack.enter_context(database.connect()) for _ in range(3))
        root.execute("SET application_name = 'till'")
        root.execute("BEGIN; LOCK TABLE stock IN ACCESS SHARE MODE")
        waiting = "pg_locks WHERE NOT granted AND pid = %s AND waitstart < clock_timestamp() - interval '0.1 s'"
        stack.enter_context(background(middle, "BEGIN; LOCK TABLE stock"))
        wait_for(database, waiting, middle.info.backend_pid)
        stack.enter_context(background(last, "SELECT * FROM stock"))
        wait_for(database, waiting, last.info.backend_pid)
        pids = [one.info.backend_pid for one in (root, middle, last)]
        chains = {on: one for on, one in found(opened).items() if "lock_wait" in str(one.because)}
    assert list(chains) == [f"process {pids[0]}"]
    advice = chains[f"process {pids[0]}"].advice
    assert f"process {pids[1]} waits" in advice
    assert f"for {pids[0]}" in advice
    assert f"process {pids[2]} waits" in advice
    assert "postgres (till)" in advice
    assert "LOCK TABLE stock IN ACCESS SHARE MODE" in advice


def test_a_sequence_near_its_end_is_named_with_the_column_that_ends_first(database: Database, session: Sessions) -> None:
    database.sql(SEQUENCES)
    with session() as opened:
        findings = {on.removeprefix(f"sequence {database.name} public."): one for on, one in found(opened).items()}
    assert findings.keys() == {'Or"ders_id_seq', 'Or"ders_Line_seq', "plain", "falling"}
    assert findings['Or"ders_Line_seq'].level is Level.CRITICAL
    assert '1,900,000,000 of 2,147,483,647, integer: ALTER TABLE "public"."Or""ders" ALTER COLUMN "id" TYPE bigint' in (
        findings['Or"ders_id_seq'].advice
    )
    assert "limits.sequence 80 %" in str(findings["plain"].because)


def test_an_invalid_index_is_named_unless_it_is_being_built(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE doubled AS SELECT 1 AS i FROM generate_series(1, 2)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.sql('CREATE UNIQUE INDEX CONCURRENTLY "By I" ON doubled(i)')
    with session() as opened:
        finding = found(opened)[f"index {database.name} public.By I"]
    assert 'run the task drop_invalid_indexes, or REINDEX INDEX CONCURRENTLY "public"."By I"' in finding.advice


def test_a_forgotten_prepared_transaction_is_named(database: Database, session: Sessions) -> None:
    with session(limits=Limits(prepared=AT_ONCE)) as opened:
        database.sql("BEGIN; CREATE TABLE half(); PREPARE TRANSACTION 'it''s 1'")
        time.sleep(0.1)
        finding = found(opened)["prepared transaction it's 1"]
        database.sql("ROLLBACK PREPARED 'it''s 1'")
    assert "ROLLBACK PREPARED 'it''s 1'" in finding.advice


def test_an_inactive_slot_is_named_with_what_it_keeps(postgres: PostgresServer, session: Sessions) -> None:
    postgres.sql("SELECT pg_create_physical_replication_slot('gone', true)")
    try:
        with session() as opened:
            finding = found(opened)["slot gone"]
    finally:
        postgres.sql("SELECT pg_drop_replication_slot('gone')")
    assert "no reader" in str(finding.because)
    assert "pg_drop_replication_slot('gone')" in finding.advice


def test_a_table_that_autovacuum_does_not_get_to_is_named(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE late AS SELECT g FROM generate_series(1, 1000) g; ANALYZE late; DELETE FROM late")
    with session() as opened:
        finding = found(opened)[f"table {database.name} public.late"]
    assert "1,000 dead rows, never vacuumed; run the task vacuum" in finding.advice


def test_what_keeps_transactions_from_being_frozen_is_named(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE one(i int)")
    with session(limits=Limits(wraparound=Share(1e-6))) as opened, database.connect() as holder:
        pid = holder.info.backend_pid
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        database.sql(BURN)
        finding = found(opened)[f"database {database.name}"]
    assert finding.level is Level.CRITICAL
    assert f"process {pid} of postgres (client) holds it back" in finding.advice


@pytest.fixture
def own(tmp_path: Path) -> Iterator[PostgresServer]:
    """Run a server that a test may spoil."""
    if lacking := postgres_server.missing(15):
        pytest.skip(lacking)
    settings = {"archive_mode": "on", "archive_command": "false", "autovacuum": "off", "autovacuum_freeze_max_age": "2000000000"}
    with postgres_server.server(tmp_path / "own", settings=settings, initdb=("--data-checksums",)) as running:
        yield running


def test_an_archive_that_fails_is_named_with_the_file(own: PostgresServer) -> None:
    target = target_of(Database(own, "postgres"), limits=Limits(archive=AT_ONCE))
    own.sql("SELECT pg_switch_wal()")
    wait_for(Database(own, "postgres"), "pg_stat_archiver WHERE failed_count > 0")
    with session_of(target) as opened:
        finding = found(opened)["archive"]
    assert finding.level is Level.CRITICAL
    assert "limits.archive 50ms" in str(finding.because)
    assert "000000010000000000000001 fails; 1 files wait" in finding.advice
    own.sql("ALTER SYSTEM SET archive_command = 'true'")
    own.sql("SELECT pg_reload_conf(), pg_sleep(0.2), pg_switch_wal()")
    wait_for(Database(own, "postgres"), "pg_stat_archiver WHERE archived_count > 0")
    with session_of(target) as opened:
        assert "archive" not in found(opened)


def test_transactions_far_from_their_last_freeze_are_found(own: PostgresServer) -> None:
    """The next transaction is numbered 1.5 thousand million: nothing that autovacuum could still do is left undone."""
    own.sql("CREATE TABLE old AS SELECT 1")
    own.stop()
    jump = 1_500 * 2**20
    (own.data / "pg_xact" / f"{jump // 2**20:04X}").write_bytes(bytes(2**18))
    own.binaries.run("pg_resetwal", "-x", str(jump), str(own.data))
    own.start()
    with session_of(target_of(Database(own, "postgres"))) as opened:
        findings = found(opened)
    wraparound = findings["database postgres"]
    assert wraparound.level is Level.CRITICAL
    assert "wraparound 73.2 % > limits.wraparound 40 %" in str(wraparound.because)
    assert "run the task vacuum" in wraparound.advice
    assert "autovacuum is off" in wraparound.advice
    assert "name template1 in `databases`" in findings["database template1"].advice
    assert "nobody may connect to template0" in findings["database template0"].advice


def test_damaged_pages_and_a_setting_that_waits_for_a_restart_are_found(own: PostgresServer) -> None:
    own.sql("CREATE TABLE torn AS SELECT g FROM generate_series(1, 1000) g; CHECKPOINT")
    ((path,),) = own.sql("SELECT pg_relation_filepath('torn')")
    own.stop()
    with (own.data / path).open("r+b") as file:
        file.seek(5000)
        file.write(b"damage")
    own.start()
    with pytest.raises(psycopg.errors.DataCorrupted):
        own.sql("SELECT count(*) FROM torn")
    own.sql("ALTER SYSTEM SET max_connections = 77")
    own.sql("SELECT pg_reload_conf()")
    time.sleep(0.6)  # statistics are sent at the end of a session, settings are read by each
    with session_of(target_of(Database(own, "postgres"))) as opened:
        findings = found(opened)
    assert findings["database postgres"].level is Level.CRITICAL
    assert "checksum_failures" in str(findings["database postgres"].because)
    assert "the server still uses '40'" in findings["setting max_connections"].advice


def test_a_standby_is_told_and_nothing_is_written_there(postgres: PostgresServer, tmp_path: Path) -> None:
    with postgres.standby(tmp_path / "standby") as other, session_of(target_of(Database(other, "postgres"))) as opened:
        wait_for(Database(other, "postgres"), "pg_stat_wal_receiver WHERE status = 'streaming'")
        facts = look(opened)
        with session_of(target_of(Database(postgres, "postgres"))) as primary:
            replicas = look(primary).replicas
        findings = TASK.assess(facts, NOTHING)
    assert facts.standby is not None
    assert facts.standby.receiving
    assert facts.probe.write is None
    assert [one.because for one in findings if one.level is not Level.OK and "end of life" not in str(one.because)] == []
    assert "standby" in str(findings[0])
    assert [one.application for one in replicas] == ["walreceiver"]


def test_a_role_without_rights_is_told_what_to_grant(database: Database, session: Sessions) -> None:
    database.sql("CREATE SEQUENCE secret; CREATE ROLE plain LOGIN")
    settings = {"dsn": database.server.dsn(database.name, "plain"), "limits": Limits(idle_transaction=AT_ONCE)}
    try:
        with database.connect() as other, session(**settings) as opened:
            other.execute("BEGIN")
            time.sleep(0.1)
            idle = f"process {other.info.backend_pid}"
            blind = [one.advice for one in TASK.assess(look(opened), NOTHING) if one.level is not Level.OK]
            database.sql("GRANT pg_monitor TO plain; GRANT SELECT ON SEQUENCE secret TO plain")
            seeing = list(found(opened))
    finally:
        database.sql("DROP OWNED BY plain; DROP ROLE plain")
    assert [one.partition("GRANT")[2] for one in blind][:2] == [
        ' pg_monitor TO "plain"',
        ' SELECT ON ALL SEQUENCES IN SCHEMA ... TO "plain"; from version 14 on pg_read_all_data',
    ]
    assert seeing == [idle]


def test_a_write_that_is_not_permitted_is_not_tried(database: Database, session: Sessions) -> None:
    emit = "FUNCTION pg_logical_emit_message(boolean, text, text) FROM public"
    database.sql(f"REVOKE EXECUTE ON {emit}; CREATE ROLE reader LOGIN; GRANT pg_monitor TO reader")
    try:
        with session(dsn=database.server.dsn(database.name, "reader")) as opened:
            facts = look(opened)
            assert found(opened) == {}
    finally:
        database.sql("DROP ROLE reader")
    assert facts.probe.untried == "permission denied for function pg_logical_emit_message"


def test_every_look_is_small_enough_for_the_journal(database: Database, session: Sessions) -> None:
    database.sql(
        "DO $$ BEGIN FOR i IN 1..100 LOOP EXECUTE format('CREATE TABLE t%s(a_rather_long_name_of_a_column serial)', i);"
        " EXECUTE format('SELECT setval(''t%s_a_rather_long_name_of_a_column_seq'', 2000000000)', i);"
        " EXECUTE format('CREATE INDEX a_rather_long_name_of_an_index_%s ON t%s(a_rather_long_name_of_a_column)', i, i);"
        " EXECUTE format('INSERT INTO t%s SELECT generate_series(1, 100)', i); EXECUTE format('DELETE FROM t%s', i); END LOOP;"
        " UPDATE pg_index SET indisvalid = false WHERE indexrelid::regclass::text LIKE 'a_rather%'; END $$"
    )
    with session() as opened:
        facts = look(opened)
        size, said = len(canonical(facts)), [str(one) for one in TASK.assess(facts, NOTHING)]
    assert size < 60_000
    assert any(one.startswith("invalid: more than are listed: 70") for one in said)


def test_every_version_can_be_looked_at(any_postgres: PostgresServer) -> None:
    any_postgres.sql("SELECT 1")
    with session_of(target_of(Database(any_postgres, "postgres"), databases=("*",))) as opened:
        opened.last = look(opened)
        facts = look(opened)
    assert facts.probe.write is not None
    assert facts.server.major == any_postgres.major
    wrong = [str(one.because) for one in TASK.assess(facts, NOTHING) if one.level is not Level.OK]
    assert [one for one in wrong if not one.startswith("end of life")] == []
