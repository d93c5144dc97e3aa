"""Databases to be dumped, and the two sides of a dump as a plain folder."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.postgres.settings import Backups
from mainstay.kinds.postgres.store import PostgresStore
from mainstay.system.process import Door
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import Dump, unhurried
from tests.kinds.postgres.conftest import TAG, Database, fresh_database, target_of
from tests.live.postgres_server import PostgresServer

NASTY = Path(__file__).with_name("nasty.sql")
SHOP = """
CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id serial PRIMARY KEY, customer int NOT NULL REFERENCES customers, total int CHECK (total >= 0));
CREATE TABLE log (line text);
INSERT INTO customers (name) SELECT 'customer ' || g FROM generate_series(1, 100) g;
INSERT INTO orders (customer, total) SELECT 1 + g % 100, g FROM generate_series(1, 5000) g;
INSERT INTO log SELECT repeat('x', 100) || g FROM generate_series(1, 3000) g;
"""
Copies = Callable[[str], str]


@pytest.fixture
def shop(database: Database) -> Database:
    """Return a small database with keys, sequences, and a table that has no key."""
    database.sql(SHOP)
    return database


@pytest.fixture(scope="module")
def nasty(postgres: PostgresServer) -> Iterator[Database]:
    """Return a database with about everything that a database can have."""
    with fresh_database(postgres) as made:
        made.sql(NASTY.read_text(encoding="utf-8"))
        yield made


@pytest.fixture
def copies(postgres: PostgresServer) -> Iterator[Copies]:
    """Return a function that names a database for a copy, which is dropped at the end."""
    named: list[str] = []

    def name(what: str) -> str:
        named.append(f"{what}_{hashlib.sha256(TAG.encode()).hexdigest()[:8]}")
        return named[-1]

    yield name
    for one in named:
        postgres.sql(f'DROP DATABASE IF EXISTS "{one}" WITH (FORCE)')


def store_of(database: Database, tag: str = TAG, **settings: Any) -> PostgresStore:
    """Return the store of a database; settings are those of `backup`, and `programs`."""
    programs = {"programs": settings.pop("programs")} if "programs" in settings else {}
    return PostgresStore(target_of(database, backup=Backups(**settings), **programs), Door(tag=tag))


def dumped(store: PostgresStore, folder: Path) -> PlainFolder:
    """Dump into a folder, and return it as a source."""
    folder.mkdir()
    made = PlainFolder(folder, unhurried())
    made.dump = store.dump(made)
    return made


def altered(source: PlainFolder, **origin: Any) -> PlainFolder:
    """Return a dump that says something else of its database."""
    return replace(
        source, dump=replace(source.dump, extra={**source.dump.extra, "origin": {**source.dump.extra["origin"], **origin}})
    )


def differences(one: Dump, other: Dump) -> dict[str, tuple[object, object]]:
    """Return what two dumps say differently."""
    left, right = ({**each.digests, **{f"rows of {name}": count for name, count in each.counts.items()}} for each in (one, other))
    return {name: (left.get(name), right.get(name)) for name in left.keys() | right.keys() if left.get(name) != right.get(name)}


def catalog(server: PostgresServer, name: str, *options: str) -> str:
    """Return all definitions of a database as pg_dump writes them, without its name and the key of this one text."""
    argv = ["pg_dump", "--schema-only", *options, server.dsn(name)]
    text = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout
    return "\n".join(line for line in text.replace(name, "NAME").splitlines() if "restrict" not in line)
