"""A PostgreSQL server with a bloated database under writers, a site that cares for it, and what must hold after every crash.

Every change of the writers is made to `orders` and to its shadow in one transaction; only `orders` is maintained. Whatever dies,
both have to hold the same rows in the end, and nothing of a maintenance step may be left at the server.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.live.postgres_server import PostgresServer

ROUTINES = {
    "repack": "db.compact: {ratio: 1.2, min_waste: 1MB, strategy: repack}",
    "mover": "db.compact: {ratio: 1.2, min_waste: 1MB, strategy: mover}",
    "reindex": "db.reindex: {ratio: 1.2, min_waste: 64kB}",
    "tune": "db.tune: {apply: true, memory: 1GiB}",
}
SETUP = """
CREATE EXTENSION IF NOT EXISTS pgstattuple;
CREATE EXTENSION IF NOT EXISTS pg_repack;
CREATE TABLE orders(id int PRIMARY KEY, who int NOT NULL, note text, body text) WITH (autovacuum_enabled = off);
CREATE INDEX orders_who ON orders(who, note);
INSERT INTO orders SELECT g, g % 97, 'n' || g, repeat('x', 300) FROM generate_series(1, 30000) g;
DELETE FROM orders WHERE id % 3 > 0;
CREATE TABLE shadow AS SELECT * FROM orders;
ALTER TABLE shadow ADD PRIMARY KEY (id);
"""
LEFT = """
SELECT 'index ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid OR NOT indisready
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class
  WHERE relnamespace::regnamespace::text = 'repack' AND relname ~ '\\d$'
UNION ALL SELECT 'type ' || oid::regtype FROM pg_type
  WHERE typnamespace::regnamespace::text = 'repack' AND typname ~ '\\d$'
UNION ALL SELECT 'table ' || relname FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('orders', 'shadow')
UNION ALL SELECT 'session ' || application_name FROM pg_stat_activity
  WHERE application_name LIKE 'mainstay %' AND pid <> pg_backend_pid()
"""
CHANGES = {
    "insert": "INSERT INTO {} VALUES (%(key)s, %(key)s, 'new', repeat('y', 300)) ON CONFLICT (id) DO UPDATE SET body = 'z'",
    "update": "UPDATE {} SET note = note || 'u', body = 'b' WHERE id = %(key)s",
    "delete": "DELETE FROM {} WHERE id = %(key)s",
}
DIFFERENT = """
SELECT count(*) FROM (
  (TABLE orders EXCEPT ALL TABLE shadow) UNION ALL (TABLE shadow EXCEPT ALL TABLE orders)
) d
"""


def database(server: PostgresServer) -> str:
    """Make the bloated database once and return the name of a fresh copy of it."""
    known = {name for (name,) in server.sql("SELECT datname FROM pg_database")}
    if "base" not in known:
        server.create_database("base")
        server.sql(SETUP, database="base")
        server.sql("VACUUM (ANALYZE, TRUNCATE off)", database="base")
    name = f"copy{len(known)}_{random.randrange(1 << 30)}"
    server.create_database(name, "base")
    return name


def configuration(folder: Path, server: PostgresServer, name: str) -> Path:
    """Write the site; return the path of its file."""
    lines = ["site: crash", "timezone: UTC", f"state: {folder}/state", "targets:"]
    lines.append(f'  db: {{kind: postgres, dsn: "{server.dsn(name)}"}}')
    lines += ["routines:", *(f"  {routine}: {{tasks: [{task}]}}" for routine, task in ROUTINES.items())]
    path = folder / "mainstay.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


@contextmanager
def writers(server: PostgresServer, name: str, count: int = 2) -> Iterator[list[int]]:
    """Keep writing both tables; yields a list that grows with every commit. Writers come back when the server does."""
    over, committed = threading.Event(), list[int]()
    threads = [threading.Thread(target=_write, args=(server, name, seed, over, committed)) for seed in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield committed
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def _write(server: PostgresServer, name: str, seed: int, over: threading.Event, committed: list[int]) -> None:
    dice = random.Random(seed)
    while not over.is_set():
        try:
            with psycopg.connect(server.dsn(name), connect_timeout=2, application_name="writer") as connection:
                while not over.is_set():
                    _change(connection, dice, seed)
                    committed.append(1)
                    time.sleep(0.005)
        except psycopg.Error:  # the server is down, or it recovers, or a deadlock was broken: what was not committed is nowhere
            time.sleep(0.05)


def _change(connection: psycopg.Connection[tuple[object, ...]], dice: random.Random, seed: int) -> None:
    """Insert, update or delete one row of both tables, in one transaction; each writer has rows of its own."""
    key, act = dice.randrange(20_000) * 2 + seed, dice.choice(("insert", "update", "update", "delete"))
    with connection.transaction():
        for table in ("shadow", "orders"):
            connection.execute(CHANGES[act].format(table).encode(), {"key": key})


def faults(server: PostgresServer, name: str) -> list[str]:
    """Return everything that must not be: leftovers of a step, rows that differ from their shadow."""
    found = [what for (what,) in server.sql(LEFT, database=name)]
    different = server.sql(DIFFERENT, database=name)[0][0]
    return [*found, *([f"{different} rows differ from their shadow"] if different else [])]


def settings(server: PostgresServer) -> frozenset[str]:
    """Return what ALTER SYSTEM has written."""
    written = server.sql("SELECT name || ' = ' || setting FROM pg_file_settings WHERE sourcefile LIKE '%postgresql.auto.conf'")
    return frozenset(text for (text,) in written)


def reset(server: PostgresServer, written: frozenset[str]) -> None:
    """Take settings back."""
    for name in sorted(text.split(" = ")[0] for text in written):
        server.sql(f"ALTER SYSTEM RESET {name}")
    server.sql("SELECT pg_reload_conf()")
