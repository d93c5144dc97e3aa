"""A restore rebuilds everything in a new database, or refuses before it makes anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from mainstay.kinds.postgres.store import making
from mainstay.kinds.postgres.store.client import reached
from mainstay.model.errors import Refused, StepFailed
from mainstay.vault.backup import Order, make
from mainstay.vault.manifest import Damaged
from mainstay.vault.names import BackupId
from mainstay.vault.plain import PlainFolder
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import Request, restore
from mainstay.vault.store import unhurried
from tests.kinds.postgres.conftest import Database
from tests.kinds.postgres.store.conftest import Copies, altered, catalog, differences, dumped, store_of
from tests.live.postgres_server import PostgresServer

ID = BackupId("20261121T020000Z.db.run-1")


def test_everything_comes_back_as_it_was(nasty: Database, tmp_path: Path, copies: Copies) -> None:
    store, copy = store_of(nasty), copies("all")
    source = dumped(store, tmp_path / "dump")
    store.load(source, copy)
    assert differences(source.dump, store.describe(copy, unhurried())) == {}
    assert catalog(nasty.server, copy) == catalog(nasty.server, nasty.name)
    assert nasty.server.sql("SELECT count(*) FROM sums", database=copy) == nasty.sql("SELECT count(*) FROM sums")
    assert source.dump.counts['"Odd schema"."T.a""b|le*"'] == 50
    assert nasty.server.sql("SELECT reltuples FROM pg_class WHERE relname = 'orders'", database=copy) == [(2000.0,)]
    assert source.dump.counts["public.secrets"] == 2  # row security hides nothing from a backup
    assert source.dump.counts["large objects"] == 3


def test_properties_of_the_database_come_back(shop: Database, tmp_path: Path, copies: Copies) -> None:
    name, role = shop.name, f"owner_{shop.name[-8:]}"
    shop.sql(f"CREATE ROLE {role}; ALTER DATABASE {name} OWNER TO {role}")
    shop.sql(f"COMMENT ON DATABASE {name} IS E'it''s\\nours'; ALTER DATABASE {name} CONNECTION LIMIT 12")
    shop.sql(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {role} WITH GRANT OPTION")
    shop.sql(f"ALTER DATABASE {name} SET search_path = public, \"a b\"; ALTER DATABASE {name} SET work_mem = '5MB'")
    shop.sql(
        f"ALTER ROLE {role} IN DATABASE {name} SET my.setting = 'a, ''b'''; ALTER DATABASE {name} SET datestyle = 'ISO, DMY'"
    )
    store, copy, final = store_of(shop), copies("made"), copies("props")
    store.load(dumped(store, tmp_path / "dump"), copy)
    store.rename(copy, final)
    try:
        assert catalog(shop.server, final, "--create") == catalog(shop.server, name, "--create")
    finally:
        shop.server.sql(f"DROP DATABASE {final}")
        shop.sql(f"ALTER DATABASE {name} OWNER TO postgres; DROP OWNED BY {role}; ALTER ROLE {role} IN DATABASE {name} RESET ALL")
        shop.sql(f"DROP ROLE {role}")


@pytest.mark.covers("RST-01")
def test_a_restore_from_the_vault_appears_beside_the_live_database_complete(
    nasty: Database, tmp_path: Path, copies: Copies
) -> None:
    store, repository, into = store_of(nasty), create_repository(tmp_path / "repo"), copies("vault")
    make(repository, store, Order(ID, "db", "run-1"), unhurried())
    restore(repository, store, Request(ID, into), unhurried())
    assert catalog(nasty.server, into) == catalog(nasty.server, nasty.name)
    assert [name for (name,) in nasty.server.sql("SELECT datname FROM pg_database WHERE datname ~ 'run-1|mainstay'")] == []
    with pytest.raises(Refused, match="not made by a restore"):  # it is the operator's now
        store.remove(into)


def test_one_table_comes_back_alone(nasty: Database, tmp_path: Path, copies: Copies) -> None:
    store, repository, into = store_of(nasty), create_repository(tmp_path / "repo"), copies("one")
    make(repository, store, Order(ID, "db", "run-1"), unhurried())
    restore(repository, store, Request(ID, into, "public.orders"), unhurried())
    tables = (
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname !~ 'pg_'"
    )
    assert nasty.server.sql(tables, database=into) == [("orders",)]
    assert nasty.server.sql("SELECT count(*) FROM orders", database=into) == [(2000,)]
    indexes = "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = 'orders'::regclass ORDER BY 1"
    assert nasty.server.sql(indexes, database=into) == nasty.sql(indexes)
    with pytest.raises(Refused, match=r"no such table \(public.order\): it has .*public.orders"):
        restore(repository, store, Request(ID, copies("none"), "public.order"), unhurried())


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ({"roles": ["postgres", "nobody_knows"]}, "role nobody_knows does not exist"),
        ({"extensions": ["plpgsql 1.0", "postgis 3.4"]}, "extension postgis 3.4 is not available"),
        ({"version_number": 190_002}, "the server is version 15, the backup is of version 19"),
        ({"tablespaces": ["fast"]}, "tablespace fast does not exist"),
        ({"collate": "xx_XX.utf8"}, "cannot make a database like the original"),
        ({"encoding": "EUC_JP"}, "cannot make a database like the original"),
    ],
)
def test_a_server_that_lacks_something_is_refused_by_name(
    shop: Database, tmp_path: Path, copies: Copies, origin: dict[str, object], told: str
) -> None:
    store, copy = store_of(shop), copies("lacking")
    source = altered(dumped(store, tmp_path / "dump"), **origin)
    before = shop.server.sql("SELECT datname FROM pg_database ORDER BY 1")
    with pytest.raises(Refused, match=told):
        store.load(source, copy)
    store.remove(copy)
    assert shop.server.sql("SELECT datname FROM pg_database ORDER BY 1") == before


def test_a_role_that_was_dropped_since_is_missed_by_name(shop: Database, tmp_path: Path, copies: Copies) -> None:
    role = f"gone_{shop.name}"
    shop.sql(f"CREATE ROLE {role}; GRANT SELECT ON orders TO {role}")
    source = dumped(store_of(shop), tmp_path / "dump")
    shop.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")
    with pytest.raises(Refused, match=f"role {role} does not exist"):
        store_of(shop).load(source, copies("role"))


def test_a_stream_that_is_damaged_in_the_middle_leaves_no_rows(shop: Database, tmp_path: Path, copies: Copies) -> None:
    class Torn(PlainFolder):
        """Reading ends with an error after some rows."""

        @contextmanager
        def stream(self, name: str) -> Iterator[BinaryIO]:
            with super().stream(name) as file:
                yield cast(BinaryIO, Pieces(file.read())) if name == "table.public.log" else file

    class Pieces:
        def __init__(self, content: bytes) -> None:
            self.pieces = [content[:100_000]]

        def read(self, _: int) -> bytes:
            if not self.pieces:
                raise Damaged("an object is damaged", on="table.public.log")
            return self.pieces.pop()

    store, copy = store_of(shop), copies("torn")
    source = dumped(store, tmp_path / "dump")
    with pytest.raises(Damaged, match=r"table\.public\.log"):
        store.load(Torn(source.root, unhurried(), source.dump), copy)
    assert shop.server.sql("SELECT count(*) FROM log", database=copy) == [(0,)]
    store.remove(copy)
    assert not store.exists(copy)


def test_a_row_that_the_server_refuses_is_an_error_that_names_the_table(shop: Database, tmp_path: Path, copies: Copies) -> None:
    store, copy = store_of(shop), copies("row")
    source = dumped(store, tmp_path / "dump")
    with (source.streams / "table.public.orders").open("ab") as file:
        file.write(b"9\t9\t-1\n")
    with pytest.raises(StepFailed, match='"orders" violates check constraint'):
        store.load(source, copy)
    store.remove(copy)


def test_an_error_within_a_check_names_the_table_that_was_loaded(shop: Database, tmp_path: Path, copies: Copies) -> None:
    shop.sql("CREATE FUNCTION known(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM orders WHERE id = $1)'")
    shop.sql("CREATE TABLE checked (id bigint CHECK (known(id))); INSERT INTO checked SELECT min(id) FROM orders")
    store, copy = store_of(shop), copies("checked")
    with pytest.raises(StepFailed, match='relation "orders" does not exist; COPY checked, line 1') as caught:
        store.load(dumped(store, tmp_path / "dump"), copy)
    assert str(caught.value).endswith("COPY checked, line 1")
    store.remove(copy)


def test_a_database_that_was_half_made_when_all_was_killed_is_removed(shop: Database, copies: Copies) -> None:
    store, copy = store_of(shop), copies("half")
    first = making._first_name(copy)
    shop.server.sql(f'CREATE DATABASE "{first}"')  # and nothing more came to pass
    store.remove(copy)
    assert not store.exists(first)
    with reached(store.target, store.door, unhurried()) as client:
        assert making.marked(client) & {first, copy} == set()


def _compressed(server: PostgresServer, copy: str) -> Any:
    return server.sql("SELECT pg_column_compression(any_way), pg_column_compression(own_way) FROM long", database=copy)


def test_long_values_are_stored_the_fast_way_unless_one_was_chosen(shop: Database, tmp_path: Path, copies: Copies) -> None:
    server = shop.server
    if server.sql("SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)") == []:
        pytest.skip("this server was built without lz4")
    shop.sql("CREATE TABLE long (any_way text, own_way text COMPRESSION pglz)")
    shop.sql("INSERT INTO long SELECT string_agg(g::text, ' '), string_agg(g::text, ' ') FROM generate_series(1, 5000) g")
    assert _compressed(server, shop.name) == [("pglz", "pglz")]
    source = dumped(store_of(shop), tmp_path / "dump")
    store_of(shop).load(source, fast := copies("fast"))
    assert _compressed(server, fast) == [("lz4", "pglz")]
    server.sql("ALTER SYSTEM SET default_toast_compression = pglz")
    server.sql("SELECT pg_reload_conf()")
    try:
        store_of(shop).load(source, chosen := copies("chosen"))
    finally:
        server.sql("ALTER SYSTEM RESET default_toast_compression")
        server.sql("SELECT pg_reload_conf()")
    assert _compressed(server, chosen) == [("pglz", "pglz")]


@pytest.mark.parametrize("only", ["orders", "shop.public.orders"])
def test_a_part_that_is_no_name_of_a_table_is_refused(shop: Database, tmp_path: Path, copies: Copies, only: str) -> None:
    source = dumped(store_of(shop), tmp_path / "dump")
    with pytest.raises(Refused, match="not the name of a table"):
        store_of(shop).load(source, copies("copy"), only)
