"""A live database with a copy of it, and everything that the server knows of a database from outside."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from mainstay.kinds.postgres.settings import Pooler, PostgresSettings
from mainstay.kinds.postgres.store.postgres_store import PostgresStore
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.store import unhurried
from tests.live.postgres_server import PostgresServer
from tests.live.swap_clients import TABLES

# Everything but the oid, the name, and ages; an access list that was never changed is the default one.
_PROPERTIES = """
SELECT jsonb_pretty(to_jsonb(d)
  - ARRAY['oid', 'datname', 'datfrozenxid', 'datminmxid', 'datlastsysoid', 'datdba', 'datacl'] || jsonb_build_object(
  'owner', pg_get_userbyid(d.datdba), 'comment', shobj_description(d.oid, 'pg_database'),
  'acl', (SELECT jsonb_agg(a::text ORDER BY a::text) FROM unnest(coalesce(d.datacl, acldefault('d', d.datdba))) a),
  'settings', (SELECT jsonb_agg(jsonb_build_array(s.setrole::regrole, s.setconfig) ORDER BY s.setrole::regrole::text)
               FROM pg_db_role_setting s WHERE s.setdatabase = d.oid)))
FROM pg_database d WHERE d.datname = %s
"""


@dataclass(frozen=True)
class Swap:
    """Two databases of one server: what users reach, and a copy. Whatever is made beside them goes in the end."""

    server: PostgresServer
    live: str = field(default_factory=lambda: f"shop_{secrets.token_hex(4)}")
    pooler: Pooler | None = None

    @property
    def copy(self) -> str:
        """The name of the copy."""
        return f"{self.live}_copy"

    @property
    def old(self) -> str:
        """The name that the live one gets."""
        return f"{self.live}_before"

    @property
    def store(self) -> PostgresStore:
        """Return the store of the live database."""
        target = Target("db", "postgres", PostgresSettings(self.server.dsn(self.live), pooler=self.pooler))
        return PostgresStore(target, Door(tag=f"run-{self.live}/safe.swap/exchange"))

    def put(self) -> None:
        """Put the copy in the place of the live one."""
        self.store.swap(self.copy, self.old, unhurried())

    def put_back(self) -> None:
        """Put the old one back."""
        self.store.swap(self.old, self.copy, unhurried())

    def was(self, database: str = "") -> str:
        """Return what a database was called in the beginning."""
        return str(self.rows("TABLE was", database)[0][0])

    def rows(self, query: str, database: str = "") -> list[tuple[Any, ...]]:
        """Ask a database, also one that lets nobody in."""
        name = database or self.live
        [(open,)] = self.server.sql("SELECT datallowconn FROM pg_database WHERE datname = %s", name)
        self.server.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        try:
            return self.server.sql(query, database=name)
        finally:
            self.server.sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {open}")

    def names(self) -> dict[str, bool]:
        """Return the databases that are there, and whether each lets anybody in."""
        query = "SELECT datname::text, datallowconn FROM pg_database WHERE starts_with(datname, %s) OR datname ~ '^mainstay'"
        return dict(self.server.sql(query, self.live))

    def properties(self) -> str:
        """Return all that belongs to the live database outside of itself."""
        return str(self.server.sql(_PROPERTIES, self.live)[0][0])

    def schema(self) -> str:
        """Return the definitions of all its objects, as pg_dump prints them."""
        argv = ["pg_dump", "--schema-only", "--create", "-d", self.server.dsn(self.live)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True, env=os.environ)
        return "".join(line for line in done.stdout.splitlines(keepends=True) if "restrict" not in line)

    def connect(self) -> psycopg.Connection[Any]:
        """Connect to what users reach, as they do: transactions are theirs to end."""
        return psycopg.connect(self.server.dsn(self.live))


@contextmanager
def pair(server: PostgresServer, pooler: Pooler | None = None) -> Iterator[Swap]:
    """Make both databases."""
    made = Swap(server, pooler=pooler)
    for name, was in ((made.live, "old"), (made.copy, "new")):
        server.create_database(name)
        server.sql(TABLES.format(was), database=name)
    try:
        yield made
    finally:
        for name in made.names():
            server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')
