"""A database with tables that nobody can open."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from tests.kinds.postgres.conftest import Database, fresh_database
from tests.live.postgres_server import PostgresServer

_TABLE = """
CREATE TABLE "{t}" (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, above bigint, at timestamp, object oid, wide text);
CREATE INDEX "{t} expression" ON "{t}" (lower(left(wide, 9))) WHERE at IS NOT NULL;
CREATE INDEX "{t} key" ON "{t}" (above) WHERE above IS NOT NULL;
CREATE INDEX "{t} part of key" ON "{t}" (above) WHERE id > 9;
CREATE INDEX "{t} invalid" ON "{t}" (at);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = '"{t} invalid"'::regclass;
ALTER TABLE "{t}" ALTER wide SET STORAGE EXTERNAL, ADD CHECK (id > 0) NOT VALID, ADD FOREIGN KEY (above) REFERENCES "{t}";
CREATE TRIGGER off BEFORE UPDATE ON "{t}" FOR EACH ROW WHEN (OLD.id > 0) EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE "{t}" DISABLE TRIGGER off;
INSERT INTO "{t}" (at, wide) SELECT now(), (SELECT string_agg(md5(g || ' ' || s), '') FROM generate_series(1, 99) s)
  FROM generate_series(1, 1000) g;
CREATE TABLE "{t} parts" (id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE "{t} part" PARTITION OF "{t} parts" DEFAULT;
CREATE MATERIALIZED VIEW "{t} view" AS SELECT id FROM "{t}";
DO $$ BEGIN EXECUTE format('CREATE TABLE repack.table_%s () INHERITS ("{t}")', '"{t}"'::regclass::oid); END $$;
CREATE TABLE mainstay_quarantine."{t} kept" (id int);
COMMENT ON TABLE mainstay_quarantine."{t} kept" IS 'mainstay {{"rule": "r", "table": "t", "at": 1}}';
"""
_TABLES = '"{t}", "{t} part", mainstay_quarantine."{t} kept"'
NAMES = ("Dropped", "Awaited", "Prepared", "Free")


@contextmanager
def locked_database(server: PostgresServer) -> Iterator[Database]:
    """Return a database where a table is being dropped, for one a LOCK waits, a prepared transaction has one, and one is free."""
    with fresh_database(server) as database, ExitStack() as held:
        database.sql(
            "CREATE SCHEMA mainstay_quarantine; CREATE SCHEMA IF NOT EXISTS repack; CREATE PUBLICATION everything FOR ALL TABLES"
        )
        for name in NAMES:
            database.sql(_TABLE.format(t=name))
        database.sql("VACUUM ANALYZE")
        dropping, reading, waiting, preparing = (held.enter_context(closing(database.connect())) for _ in range(4))
        for connection in (dropping, reading, preparing):
            connection.execute("BEGIN")
        dropping.execute('DROP TABLE "Dropped", "Dropped part", mainstay_quarantine."Dropped kept" CASCADE')
        reading.execute('SELECT FROM "Awaited" LIMIT 0')
        waiting.pgconn.send_query(f"BEGIN; LOCK TABLE {_TABLES.format(t='Awaited')}".encode())
        waiting.pgconn.flush()
        preparing.execute(f"LOCK TABLE {_TABLES.format(t='Prepared')}".encode())
        preparing.execute('ALTER SEQUENCE "Prepared_id_seq" INCREMENT 2')
        preparing.execute(f"PREPARE TRANSACTION '{database.name}'".encode())
        held.callback(database.sql, f"ROLLBACK PREPARED '{database.name}'")
        _wait(database)
        yield database


def _wait(database: Database) -> None:
    until = time.monotonic() + 10
    while not database.sql(
        "SELECT 1 FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE NOT granted AND relname = 'Awaited'"
    ):
        assert time.monotonic() < until
        time.sleep(0.01)
