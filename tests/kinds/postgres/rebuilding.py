"""An index that needs a rebuild, and sessions that keep a rebuild waiting in each of its phases."""

from __future__ import annotations

from mainstay.kinds.postgres.indexes.rebuild import ReindexParams
from mainstay.model.units import Size
from tests.kinds.postgres.conftest import Database

SMALL = ReindexParams(ratio=1.5, min_waste=Size(0))
BLOATED = """
CREATE TABLE "Orders" (id int PRIMARY KEY, who text) WITH (autovacuum_enabled = off);
INSERT INTO "Orders" SELECT g, md5(g::text) FROM generate_series(1, 20000) g;
CREATE INDEX "By who" ON "Orders" (who) WITH (fillfactor = 10);
ALTER INDEX "By who" RESET (fillfactor);
ANALYZE "Orders";
"""
# What another session does so that REINDEX CONCURRENTLY has to wait in a phase, by the name of the phase.
HOLDERS = {
    "waiting for writers before build": """BEGIN; UPDATE "Orders" SET who = who WHERE id = 7""",
    "waiting for old snapshots": "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1",
    "waiting for readers before marking dead": """BEGIN; SELECT count(*) FROM "Orders" """,
}


def indexes(database: Database) -> dict[str, tuple[str, bool, int]]:
    """Return definition, validity and size of every index of the schema public, by name."""
    query = """
        SELECT c.relname, pg_get_indexdef(c.oid), i.indisvalid AND i.indisready AND i.indislive, pg_relation_size(c.oid)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1
    """
    return {name: (definition, valid, size) for name, definition, valid, size in database.sql(query)}


def spoil(database: Database, *names: str) -> None:
    """Make indexes invalid."""
    query = "UPDATE pg_index SET indisvalid = false FROM pg_class c WHERE c.oid = indexrelid AND c.relname = ANY (%s)"
    database.sql(query + " RETURNING 1", list(names))
