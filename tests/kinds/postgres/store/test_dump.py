"""A dump is one moment of the database, whole, or an error that says why not."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import psycopg
import pytest

from mainstay.kinds.postgres.server import application_name
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.store import PostgresStore
from mainstay.kinds.postgres.store.catalog import DumpedTable
from mainstay.model.errors import Cancelled, StepFailed
from mainstay.model.target import Target
from mainstay.model.units import Size
from mainstay.system.process import Door
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import Work, unhurried
from tests.kinds.postgres.conftest import TAG, Database
from tests.kinds.postgres.store.conftest import Copies, differences, dumped, store_of
from tests.kinds.postgres.store.test_shell import _sessions

LARGE = "INSERT INTO log SELECT md5(g::text) FROM generate_series(1, 300000) g"


@pytest.mark.covers("BKP-06")
def test_counts_and_digests_are_those_of_the_dumped_moment_while_others_write(
    shop: Database, tmp_path: Path, copies: Copies
) -> None:
    shop.sql(LARGE)
    stop = threading.Event()

    def move(one: int, other: int) -> None:
        moved = f"UPDATE orders SET total = total + CASE WHEN id = {one} THEN 1 ELSE -1 END WHERE id IN ({one}, {other})"
        with shop.connect() as connection:
            while not stop.is_set():
                connection.execute(moved.encode())
                connection.execute("INSERT INTO log VALUES ('later'); SELECT nextval('orders_id_seq')")

    writers = [threading.Thread(target=move, args=pair) for pair in ((7, 5000), (8, 4999))]
    for writer in writers:
        writer.start()
    store, copy = store_of(shop), copies("moment")
    source = dumped(store, tmp_path / "dump")
    stop.set()
    for writer in writers:
        writer.join()
    store.load(source, copy)
    assert differences(source.dump, store.describe(copy, unhurried())) == {}
    assert shop.server.sql("SELECT sum(total) FROM orders", database=copy) == shop.sql("SELECT sum(total) FROM orders")
    assert source.dump.counts["public.log"] < shop.sql("SELECT count(*) FROM log")[0][0]


def test_tables_cannot_be_emptied_under_a_dump(shop: Database, tmp_path: Path) -> None:
    said: list[str] = []

    class Truncating(PlainFolder):
        """Somebody empties a table as soon as a stream is opened."""

        @contextmanager
        def stream(self, name: str) -> Iterator[BinaryIO]:
            with shop.connect() as connection:
                connection.execute("SET lock_timeout = '50ms'")
                try:
                    connection.execute("TRUNCATE log")
                except psycopg.errors.LockNotAvailable as error:
                    said.append(str(error))
            with super().stream(name) as out:
                yield out

    sink = Truncating(tmp_path, unhurried())
    assert store_of(shop).dump(sink).counts["public.log"] == 3000
    assert len(said) > 5


@pytest.mark.covers("BKP-07")
def test_a_dump_without_an_expected_table_fails_and_names_it(shop: Database, tmp_path: Path) -> None:
    shop.sql("CREATE TABLE parts (id int) PARTITION BY RANGE (id)")
    with pytest.raises(StepFailed, match=r'missing: public.persons, public."Rotations"\n') as raised:
        dumped(
            store_of(shop, expected=("public.orders", "public.persons", 'public."Rotations"', "public.parts")), tmp_path / "dump"
        )
    assert shop.name in str(raised.value.on)


def test_the_error_of_a_stream_is_the_one_that_is_told_and_no_session_stays(shop: Database, tmp_path: Path) -> None:
    shop.sql(LARGE)

    class Full:
        """A disk without room."""

        def write(self, piece: bytes) -> int:
            raise StepFailed("no space left", on="the repository")

    class Sink(PlainFolder):
        @contextmanager
        def stream(self, name: str) -> Iterator[BinaryIO]:
            with super().stream(name) as out:
                yield cast(BinaryIO, Full()) if name == "table.public.log" else out

    with pytest.raises(StepFailed, match="no space left"):
        store_of(shop).dump(Sink(tmp_path, unhurried()))
    assert _sessions(shop) == 0


def test_a_dump_stops_when_it_is_told_to_and_no_session_stays(shop: Database, tmp_path: Path) -> None:
    shop.sql(LARGE)
    asked: list[int] = []
    told = threading.Event()

    def check(_: int) -> None:
        asked.append(threading.get_ident())
        if len(asked) > 1:
            told.set()
            raise Cancelled("stopped", because="somebody asked")

    class Slow(PlainFolder):
        """A disk that has not written the first piece of the largest table before somebody asks."""

        @contextmanager
        def stream(self, name: str) -> Iterator[BinaryIO]:
            with super().stream(name) as out:
                if name == "table.public.log":
                    assert told.wait(60)
                yield out

    with pytest.raises(Cancelled, match="somebody asked"):
        store_of(shop).dump(Slow(tmp_path, Work(unhurried().deadline, check)))
    assert set(asked) == {threading.get_ident()}  # never asked by another thread
    assert _sessions(shop) == 0


def test_what_a_killed_dump_left_at_the_server_is_ended_by_the_next(shop: Database, tmp_path: Path) -> None:
    with psycopg.connect(shop.dsn, application_name=application_name(TAG), autocommit=True) as left:
        dumped(store_of(shop), tmp_path / "dump")
        with pytest.raises(psycopg.OperationalError):
            left.execute("SELECT 1")


def test_a_table_that_did_not_change_is_the_same_stream(shop: Database, tmp_path: Path) -> None:
    before = dumped(store_of(shop), tmp_path / "one")
    shop.sql("UPDATE orders SET total = 0 WHERE id = 1")
    after = dumped(store_of(shop), tmp_path / "two")
    same = [name for name in before.names if _digest(before, name) == _digest(after, name)]
    assert [name for name in before.names if name.startswith("table.") and name not in same] == ["table.public.orders"]
    assert list(differences(before.dump, after.dump)) == ["public.orders"]


def _digest(folder: PlainFolder, name: str) -> str:
    return hashlib.sha256((folder.streams / name).read_bytes()).hexdigest()


def test_streams_have_plain_and_different_names() -> None:
    names = [("public", "orders"), ("a.b", "c"), ("a", "b.c"), ("Ä", "~/../x"), ("x" * 63, "ü" * 31), ("x" * 63, "ü" * 30 + "ä")]
    streams = [DumpedTable(schema, name, "", (), (), (), (), Size(0), True, "").stream for schema, name in names]
    assert streams[:4] == ["table.public.orders", "table.a%2Eb.c", "table.a.b%2Ec", "table.%C3%84.%7E%2F%2E%2E%2Fx"]
    assert len(set(streams)) == len(streams)
    assert max(map(len, streams)) <= 200


def test_roles_are_kept_and_passwords_only_where_the_role_may_see_them(shop: Database, tmp_path: Path) -> None:
    role = f"app_{shop.name}"
    shop.sql(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    shop.sql(f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}; GRANT USAGE ON SCHEMA repack TO {role}")
    try:
        mine = (dumped(store_of(shop), tmp_path / "super").streams / "globals.sql").read_text()
        assert f"ALTER ROLE {role} " in mine
        assert "SCRAM-SHA-256$" in mine
        settings = PostgresSettings(shop.server.dsn(shop.name, role))
        limited = PostgresStore(Target("db", "postgres", settings), Door(tag=TAG))
        assert "SCRAM" not in (dumped(limited, tmp_path / "limited").streams / "globals.sql").read_text()
    finally:
        shop.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_rows_that_an_extension_declares_as_configuration_are_pg_dumps(shop: Database, tmp_path: Path) -> None:
    shop.sql("CREATE TABLE settings (id int, own boolean); INSERT INTO settings SELECT g, g > 3 FROM generate_series(1, 5) g")
    shop.sql("ALTER EXTENSION pgstattuple ADD TABLE settings; ALTER EXTENSION pgstattuple ADD TABLE log")
    where = "UPDATE pg_extension SET extconfig = ARRAY['settings'::regclass], extcondition = ARRAY['WHERE own'] WHERE extname ="
    shop.sql(f"{where} 'pgstattuple'")
    source = dumped(store_of(shop), tmp_path / "dump")
    listed = subprocess.run(
        ["pg_restore", "-l", source.streams / "data.pgdump"], capture_output=True, text=True, check=True
    ).stdout
    assert [line.split(" ", 3)[-1] for line in listed.splitlines() if line and line[0] != ";"] == [
        "TABLE DATA public settings postgres"
    ]
    assert source.dump.counts["public.settings"] == 2
    assert "public.log" not in source.dump.counts  # made by the extension, and no configuration
    assert [name for name in source.names if name.startswith("table.")] == ["table.public.customers", "table.public.orders"]
