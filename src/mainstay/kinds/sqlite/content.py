"""What a database holds: rows and an order-free digest of every table, and a digest of the schema."""

from __future__ import annotations

import hashlib
import sqlite3

from mainstay.kinds.sqlite.database import identifier
from mainstay.model.codec import digest

SCHEMA = "(schema)"  # stands among the tables; no table of an application has this name
_TABLES = (
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\'"
    " AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"  # the content of a virtual table lies in its shadow tables
)
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type, name"


def tables(connection: sqlite3.Connection) -> list[str]:
    """Name the tables that hold content; statistics are none."""
    return [name for (name,) in connection.execute(_TABLES)]


def schema_digest(connection: sqlite3.Connection) -> str:
    """Digest the definitions of tables, indexes, views and triggers."""
    return digest([[repr(part) for part in row] for row in connection.execute(_SCHEMA)])


def measure(connection: sqlite3.Connection) -> tuple[dict[str, int], dict[str, str]]:
    """Count and digest every table in one snapshot; the schema stands beside them as `(schema)`."""
    counts, digests = {}, {}
    connection.execute("BEGIN")
    try:
        counts[SCHEMA] = len(connection.execute(_SCHEMA).fetchall())
        digests[SCHEMA] = schema_digest(connection)
        for name in tables(connection):
            counts[name], digests[name] = _rows(connection, name)
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
    return counts, digests


def _rows(connection: sqlite3.Connection, table: str) -> tuple[int, str]:
    """Add up the hashes of all rows: the sum does not depend on their order and, unlike XOR, sees a row stored twice."""
    count, total = 0, 0
    for row in connection.execute(f"SELECT * FROM {identifier(table)}"):
        count += 1
        total += int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=16).digest())
    return count, f"{total % (1 << 128):032x}"
