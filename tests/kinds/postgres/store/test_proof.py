"""What is wrong with a copy is found, and told by the name of the object."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mainstay.kinds.postgres.store import PostgresStore
from mainstay.model.errors import StepFailed
from mainstay.system.process import end_tagged, tagged
from mainstay.vault.backup import Order, make
from mainstay.vault.manifest import Damaged
from mainstay.vault.names import BackupId
from mainstay.vault.plain import PlainFolder
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import prove
from mainstay.vault.store import unhurried
from tests.kinds.postgres.conftest import TAG, Database
from tests.kinds.postgres.store.conftest import Copies, differences, dumped, store_of

ID = BackupId("20261121T020000Z.db.run-1")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a temporary folder of this test alone, with a path that is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="p-") as folder:
        Path(folder).chmod(0o755)
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def copy(shop: Database, tmp_path: Path, copies: Copies) -> Iterator[tuple[PostgresStore, PlainFolder, Database]]:
    """Return a store, its dump, and a faithful copy, in which something may be planted."""
    store, name = store_of(shop), copies("copy")
    source = dumped(store, tmp_path / "dump")
    store.load(source, name)
    yield store, source, Database(shop.server, name)
    store.remove(name)


Copy = tuple[PostgresStore, PlainFolder, Database]


@pytest.mark.parametrize(
    ("planted", "named"),
    [
        ("UPDATE orders SET total = total + 1 WHERE id = 77", {"public.orders"}),
        ("UPDATE log SET line = 'y' || substr(line, 2) WHERE line LIKE '%%x1000'", {"public.log"}),
        ("DELETE FROM log WHERE line LIKE '%%x1000'", {"public.log", "rows of public.log"}),
        ("INSERT INTO log SELECT line FROM log LIMIT 1", {"public.log", "rows of public.log"}),
        ("SELECT setval('orders_id_seq', 17)", {"rows of public.orders_id_seq", "sequence public.orders_id_seq"}),
        ("SELECT lo_create(1)", {"large objects", "rows of large objects"}),
        ("CREATE TABLE more (x int)", {"public.more", "rows of public.more"}),
        ("DROP TABLE log", {"public.log", "rows of public.log"}),
        (
            "ALTER TABLE orders DROP CONSTRAINT orders_total_check, ADD CONSTRAINT positive CHECK (total >= 0) NOT VALID",
            {"constraint positive of public.orders"},
        ),
    ],
)
def test_what_differs_is_named(copy: Copy, planted: str, named: set[str]) -> None:
    store, source, database = copy
    database.sql(planted)
    assert set(differences(source.dump, store.describe(database.name, unhurried()))) == named


@pytest.mark.parametrize(
    "planted",
    [
        "UPDATE kinds SET a = NULL WHERE a = 1",
        "UPDATE kinds SET a = b, b = a WHERE a = 1",
        "UPDATE kinds SET a = 3 - a",  # the same values, in the other row
        "UPDATE kinds SET s = CASE s WHEN 'one' THEN 'two' ELSE 'one' END",
        "UPDATE kinds SET s = 'one ' WHERE s = 'one'",
        "UPDATE kinds SET t = NULL WHERE t = ''",
        "UPDATE kinds SET n = 1.00 WHERE n = 1.0",
        "UPDATE kinds SET c = NULL WHERE c = ''",
        "UPDATE kinds SET p = ROW(NULL, NULL)::pair WHERE p IS NULL",
        "DELETE FROM kinds WHERE a = 1; INSERT INTO kinds SELECT * FROM kinds WHERE a = 2",
    ],
)
def test_every_change_of_a_value_changes_the_digest(shop: Database, planted: str) -> None:
    shop.sql("CREATE TYPE pair AS (x int, y int)")
    shop.sql("CREATE TABLE kinds (a int, b int, s text, t varchar, n numeric, c char(5), p pair)")
    shop.sql("INSERT INTO kinds VALUES (1, 2, 'one', '', 1.0, '', NULL), (2, 1, 'two', 'x', 2, 'y', ROW(1, 2))")
    store = store_of(shop)
    before = store.describe(shop.name, unhurried())
    shop.sql(planted)
    assert list(differences(before, store.describe(shop.name, unhurried()))) == ["public.kinds"]


def test_the_widest_table_has_a_digest(shop: Database) -> None:
    shop.sql("CREATE TABLE widest (" + ", ".join(f"c{number} int" for number in range(1600)) + ")")
    shop.sql("INSERT INTO widest (c0, c1599) VALUES (1, 2)")
    store = store_of(shop)
    before = store.describe(shop.name, unhurried())
    shop.sql("UPDATE widest SET c1599 = 3")
    assert list(differences(before, store.describe(shop.name, unhurried()))) == ["public.widest"]


def test_an_invalid_index_is_damage_with_a_name(copy: Copy) -> None:
    store, _, database = copy
    database.sql("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'customers_pkey'::regclass")
    with pytest.raises(Damaged, match=r"index public.customers_pkey\): invalid"):
        store.describe(database.name, unhurried())


def test_an_index_whose_entries_are_wrong_is_damage_with_a_name(copy: Copy) -> None:
    store, _, database = copy
    database.sql("CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END'")
    database.sql("CREATE INDEX by_f ON orders (f(total))")
    database.sql("CREATE OR REPLACE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN -$1; END'")
    with pytest.raises(Damaged, match=r"index public.by_f\)"):
        store.describe(database.name, unhurried())


@pytest.mark.covers("RST-03")
def test_what_the_operator_asserts_has_to_hold_in_the_copy(copy: Copy, shop: Database) -> None:
    _, _, database = copy
    asserted = {
        "every order has a customer": "SELECT NOT EXISTS (SELECT FROM orders WHERE customer NOT IN (SELECT id FROM customers))"
    }
    seen = store_of(shop, assertions=asserted).describe(database.name, unhurried())
    assert "checked: 1 assertions hold" in seen.notes
    for query, told in (
        ("SELECT count(*) = 0 FROM orders", "yields False"),
        ("SELECT 1 FROM orders WHERE false", "yields nothing"),
        ("SELECT bad FROM orders", 'column "bad" does not exist'),
        ("DELETE FROM orders RETURNING true", "read-only"),
    ):
        with pytest.raises(Exception, match=told):
            store_of(shop, assertions={"mine": query}).describe(database.name, unhurried())
    assert database.sql("SELECT count(*) FROM orders") == [(5000,)]


@pytest.mark.covers("BKP-21")
def test_a_backup_is_proven_in_a_server_of_its_own_and_nothing_is_left(nasty: Database, tmp_path: Path, short: Path) -> None:
    role = f"app_{nasty.name}"
    nasty.sql(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT SELECT ON orders TO {role}")
    store, repository = (
        store_of(nasty, assertions={"alone": "SELECT inet_server_addr() IS NULL"}),
        create_repository(tmp_path / "repo"),
    )
    before = nasty.server.sql("SELECT datname FROM pg_database ORDER BY 1")
    try:
        make(repository, store, Order(ID, "db", "run-1"), unhurried())
        proof = prove(repository, ID, store, "proof", unhurried())
    finally:
        nasty.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert proof.differences == ()
    assert "private server" in proof.checked[0]
    assert any("amcheck of" in one for one in proof.checked)
    assert tagged(TAG) == []
    assert list(short.iterdir()) == []
    assert nasty.server.sql("SELECT datname FROM pg_database ORDER BY 1") == before


def test_an_empty_database_is_proven_and_a_copy_that_is_not_empty_differs(
    database: Database, tmp_path: Path, short: Path
) -> None:
    store, repository = store_of(database), create_repository(tmp_path / "repo")
    make(repository, store, Order(ID, "db", "run-1"), unhurried())
    assert prove(repository, ID, store, "proof", unhurried()).differences == ()
    source = dumped(store, tmp_path / "dump")
    database.sql("CREATE TABLE stray ()")
    assert "public.stray" in differences(source.dump, store.describe(database.name, unhurried()))


def test_restored_sql_reaches_no_network_and_no_password(shop: Database, tmp_path: Path) -> None:
    store, source = store_of(shop), dumped(store_of(shop), tmp_path / "dump")
    (folder := tmp_path / "world").mkdir(mode=0o700)
    with store.scratch(folder, unhurried()) as (isolated, place):
        assert isinstance(isolated, PostgresStore)
        isolated.load(source, place)
        [postmaster] = [pid for pid in tagged(TAG) if b"-D" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert "without network" in isolated.describe(place, unhurried()).notes[0]
        assert os.readlink(f"/proc/{postmaster}/ns/net") != os.readlink("/proc/self/ns/net")
    assert tagged(TAG) == []


def test_without_programs_a_proof_is_a_database_of_the_same_server_and_says_so(shop: Database, tmp_path: Path) -> None:
    store, source = store_of(shop), dumped(store_of(shop), tmp_path / "dump")
    (clients := tmp_path / "clients").mkdir()
    for name in ("psql", "pg_dump", "pg_restore", "pg_dumpall", "vacuumdb"):
        (clients / name).symlink_to(shop.server.binaries.bin / name)
    lacking = replace(store, target=replace(store.target, settings=replace(store.target.settings, programs=clients)))
    (folder := tmp_path / "world").mkdir()
    with lacking.scratch(folder, unhurried()) as (same, place):
        same.load(source, place)
        copy = same.describe(place, unhurried())
        assert "the server's programs are not on this host" in copy.notes[0]
        assert differences(source.dump, copy) == {}
    assert not store.exists(place)


def test_a_scratch_database_whose_proof_was_killed_is_dropped_by_the_next(shop: Database, tmp_path: Path) -> None:
    from mainstay.kinds.postgres.store.scratch import _beside

    left = "mainstay proof of a killed one"
    shop.server.sql(f'CREATE DATABASE "{left}"')
    shop.server.sql(f'ALTER DATABASE "{left}" SET mainstay.made = restore')
    with _beside(store_of(shop), tmp_path, unhurried(), "") as place:
        assert not store_of(shop).exists(left)
        assert place != left


KILLED = """
import os, signal, sys
from pathlib import Path
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.store import PostgresStore
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.store import unhurried
store = PostgresStore(Target("db", "postgres", PostgresSettings(sys.argv[1])), Door(tag=sys.argv[2]))
with store.scratch(Path(sys.argv[3]), unhurried()):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_server_of_a_killed_proof_is_ended_by_its_name_and_the_next_proof_clears_up(
    shop: Database, tmp_path: Path, short: Path
) -> None:
    tag = f"{TAG}/killed"
    for name in ("killed", "next"):
        (tmp_path / name).mkdir(mode=0o700)
    argv = [sys.executable, "-c", KILLED, shop.dsn, tag, str(tmp_path / "killed")]
    assert subprocess.run(argv, check=False, timeout=120).returncode == -signal.SIGKILL
    left = list(short.iterdir())
    assert left
    assert end_tagged(tag) > 0
    with store_of(shop).scratch(tmp_path / "next", unhurried()):
        assert not any(one.exists() for one in left)


def test_damage_that_is_met_in_a_private_server_is_what_is_told(shop: Database, tmp_path: Path) -> None:
    store, source = store_of(shop), dumped(store_of(shop), tmp_path / "dump")
    (folder := tmp_path / "world").mkdir(mode=0o700)
    (source.streams / "table.public.log").write_bytes(b"one column\tand another\n")
    with (
        pytest.raises(StepFailed, match="extra data after last expected column"),
        store.scratch(folder, unhurried()) as (own, place),
    ):
        own.load(source, place)
    assert tagged(TAG) == []
