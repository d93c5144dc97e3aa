"""A database on a server of version 15 that is shared by all scenes, and what it holds."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.target import Target
from tests.laws.scene import Scene
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

ORDERS = """
CREATE TABLE orders(id int PRIMARY KEY, who text, note text) WITH (autovacuum_enabled = off);
INSERT INTO orders SELECT g, 'w' || g % 50, repeat('x', 100) FROM generate_series(1, 5000) g;
CREATE INDEX by_who ON orders(who);
"""
_TABLES = """
SELECT n.nspname, c.relname, (xpath('//t/text()', query_to_xml(format(
  'SELECT md5(coalesce(string_agg(r::text, chr(10) ORDER BY r::text), $$$$)) AS t FROM %I.%I r',
  n.nspname, c.relname), true, true, '')))[1]::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_|^information_schema$' ORDER BY 1, 2
"""
_OBJECTS = """
SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid::text
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace::regnamespace::text !~ '^pg_'
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger
UNION ALL SELECT 'type', typname, typtype::text, '' FROM pg_type
WHERE typnamespace::regnamespace::text !~ '^(pg_|information_schema)'
UNION ALL SELECT 'schema', nspname, '', '' FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
UNION ALL SELECT 'setting', name, setting, sourcefile FROM pg_file_settings
ORDER BY 1, 2, 3
"""


def holds(server: PostgresServer, database: str) -> Any:
    """Return the content of every table, and all indexes, triggers, types, schemas and configured settings."""
    return server.sql(_TABLES, database=database), server.sql(_OBJECTS, database=database)


def scene(task: str, params: Any, *, tables: str = ORDERS, settings: dict[str, Any] | None = None, **more: Any) -> Scene:
    """Make a database that needs the task; it is dropped when the scene ends."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    server, name = postgres_server.shared(), f"scene_{secrets.token_hex(4)}"
    server.create_database(name)
    server.sql(tables, database=name)
    target = Target("db", "postgres", PostgresSettings(server.dsn(name), **(settings or {})))

    def drop() -> None:
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")

    return Scene(task, target, params, contents=lambda: holds(server, name), close=drop, **more)
