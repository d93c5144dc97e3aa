"""Twelve faults are planted in one server; the command line finds each of them and names the thing."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}")
SETTINGS = {
    "max_connections": "20",
    "superuser_reserved_connections": "1",
    "archive_mode": "on",
    "archive_command": "false",
    "autovacuum_freeze_max_age": "100000",
    "vacuum_freeze_min_age": "0",
}
PLANTED = """
CREATE TABLE customers(id int PRIMARY KEY, name text);
CREATE TABLE orders(id int PRIMARY KEY, customer int REFERENCES customers, note text);
CREATE INDEX orders_note ON orders(note);
CREATE INDEX orders_note_again ON orders(note);
CREATE TABLE keyless(what text);
CREATE TABLE swollen(id int PRIMARY KEY, body text) WITH (autovacuum_enabled = off);
INSERT INTO swollen SELECT g, repeat('x', 500) FROM generate_series(1, 40000) g;
DELETE FROM swollen WHERE id > 1000;
VACUUM (ANALYZE, TRUNCATE off) swollen;
CREATE TABLE tickets(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
SELECT setval(pg_get_serial_sequence('tickets', 'id'), (2147483647 * 0.9)::bigint);
INSERT INTO customers VALUES (1, 'a'), (2, 'b');
INSERT INTO orders SELECT g, 1, 'x' FROM generate_series(1, 20000) g;
"""
CONFIGURATION = """
site: faults
timezone: UTC
state: {state}
targets:
  db:
    kind: postgres
    dsn: "{dsn}"
    limits: {{transaction: 1s, idle_transaction: 1s, statement: 1s, lock_wait: 1s, archive: 1s, wraparound: 0.00005}}
routines:
  review: {{tasks: [db.check, db.indexes: {{min_size: 10kB}}, db.schema, db.statements, db.bloat: {{min_waste: 5MB}}]}}
"""
FAULTS = {
    "an invalid index": "orders_broken",
    "a duplicate index": "orders_note_again",
    "a foreign key without an index": "CREATE INDEX CONCURRENTLY ON public.orders (customer)",
    "a sequence at 90 %": "tickets",
    "a transaction older than its limit": "forgetful",
    "a chain of blocked sessions": "blocks 2: process",
    "a table without a primary key": "keyless",
    "connections near their limit": "connections",
    "a table of twice the size that it needs": 'VACUUM FULL "public"."swollen"',
    "an archive that fails": "archiv",
    "an age near wraparound": "wraparound",
    "a statement over a second": "pg_sleep",
}


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Plant everything, and return what one run tells."""
    folder = tmp_path_factory.mktemp("faults")
    with postgres_server.server(folder / "pg", settings=SETTINGS) as server, ExitStack() as planted:
        server.extend()
        server.create_database("shop")
        _plant(server, planted)
        config = folder / "mainstay.yaml"
        config.write_text(CONFIGURATION.format(state=folder / "state", dsn=server.dsn("shop")))
        yield _told(config)


def _plant(server: PostgresServer, planted: ExitStack) -> None:
    for statement in PLANTED.strip().split("\n"):
        server.sql(statement, database="shop")
    with pytest.raises(psycopg.errors.UniqueViolation):
        server.sql("CREATE UNIQUE INDEX CONCURRENTLY orders_broken ON orders(note)", database="shop")
    server.sql("SELECT pg_switch_wal()", database="shop")
    server.sql("DO $$ BEGIN FOR i IN 1..150000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$", database="shop")
    forgetful = planted.enter_context(psycopg.connect(server.dsn("shop"), application_name="forgetful"))
    forgetful.execute("UPDATE orders SET note = 'held' WHERE id = 1")
    for statement in ("UPDATE orders SET note = 'second' WHERE id = 1", "UPDATE orders SET note = 'third' WHERE id = 1"):
        _background(server, planted, statement)
    _background(server, planted, "SELECT pg_sleep(60)")
    server.sql("SELECT pg_sleep(1.1)", database="shop")
    for _ in range(10):
        planted.enter_context(server.connect("shop"))
    time.sleep(1.5)


def _background(server: PostgresServer, planted: ExitStack, statement: str) -> None:
    """Run a statement that does not end by itself."""
    connection = psycopg.connect(server.dsn("shop"), autocommit=True)

    def work() -> None:
        with pytest.raises(psycopg.Error):
            connection.execute(statement.encode())

    thread = threading.Thread(target=work)
    thread.start()
    planted.callback(thread.join)
    planted.callback(connection.cancel_safe)
    planted.callback(connection.close)


def _told(config: Path) -> str:
    command = [str(Path(sys.executable).with_name("mainstay")), "-c", str(config)]
    run = subprocess.run([*command, "run", "review"], capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    report = subprocess.run(
        [*command, "report", "review", "--format", "markdown"], capture_output=True, text=True, timeout=60, check=False
    )
    return run.stdout + report.stdout + report.stderr


@pytest.mark.covers("DIA-07")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_named(fault: str, review: str) -> None:
    assert FAULTS[fault] in review, review
