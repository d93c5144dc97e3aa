"""A copy takes the place of the live database under its users, with all that belongs to it, and gives it back."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from mainstay.kinds.postgres.settings import Pooler
from mainstay.model.errors import Refused, StepFailed
from mainstay.vault.store import Dump, unhurried
from tests.kinds.postgres.store.swaps import Swap, pair
from tests.live import pgbouncer, postgres_server
from tests.live.postgres_server import PostgresServer
from tests.live.swap_clients import Seen, writing

MANY = 90
BELONGINGS = """
CREATE ROLE {role}; CREATE ROLE {role}_reader; GRANT {role} TO postgres;
ALTER DATABASE {live} OWNER TO {role};
REVOKE CONNECT ON DATABASE {live} FROM PUBLIC;
GRANT CONNECT ON DATABASE {live} TO {role}_reader WITH GRANT OPTION;
ALTER DATABASE {live} CONNECTION LIMIT 77;
COMMENT ON DATABASE {live} IS 'the shop''s own';
ALTER DATABASE {live} SET search_path = "$user", public, pg_catalog;
ALTER DATABASE {live} SET statement_timeout = '3h';
ALTER DATABASE {live} SET shop.name = 'a "b" ''c''';
ALTER ROLE {role}_reader IN DATABASE {live} SET work_mem = '7MB';
ALTER ROLE {role} IN DATABASE {copy} SET work_mem = '1MB';
ALTER DATABASE {copy} SET default_transaction_read_only = on;
GRANT CREATE ON DATABASE {copy} TO {role}_reader;
COMMENT ON DATABASE {copy} IS 'a copy';
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a server that many may connect to, and that knows logical replication."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    settings = {"max_connections": "150", "wal_level": "logical"}
    with postgres_server.server(tmp_path_factory.mktemp("swap"), settings=settings) as made:
        yield made


@pytest.fixture
def swap(server: PostgresServer) -> Iterator[Swap]:
    """Make a live database and a copy."""
    with pair(server) as made:
        yield made


def _each_row_is_where_it_was_committed(swap: Swap, seen: Seen, old: str) -> None:
    """Hold what clients were told against the rows; the last commit before a lost connection may be there untold."""
    for database, was in ((old, "old"), (swap.live, "new")):
        rows = set(swap.rows("SELECT client, number FROM written", database))
        assert seen.numbers(was) <= rows
        assert len(rows - seen.numbers(was)) <= MANY


@pytest.mark.slow
@pytest.mark.covers("RST-01")
def test_ninety_clients_write_on_and_every_row_is_where_it_was_committed(swap: Swap) -> None:
    with writing(swap.server.dsn(swap.live), MANY) as seen:
        time.sleep(2)
        swap.put()
        time.sleep(2)
    print(seen)
    assert {tuple(seen.order(client)) for client in range(MANY)} == {("old", "new")}
    _each_row_is_where_it_was_committed(swap, seen, swap.old)


@pytest.mark.slow
def test_the_way_back_is_as_short_and_keeps_what_was_written_in_between(swap: Swap) -> None:
    swap.put()
    with writing(swap.server.dsn(swap.live), MANY) as seen:
        time.sleep(2)
        swap.put_back()
        time.sleep(2)
    print(seen)
    assert {tuple(seen.order(client)) for client in range(MANY)} == {("new", "old")}
    assert seen.numbers("new") <= set(swap.rows("SELECT client, number FROM written", swap.copy))
    assert swap.names() == {swap.live: True, swap.copy: False}


@pytest.mark.skipif(bool(pgbouncer.missing()), reason=pgbouncer.missing())
def test_through_a_pooler_no_client_sees_an_error(server: PostgresServer) -> None:
    with pgbouncer.pooler(server) as pooler, pair(server, Pooler(pooler.dsn())) as swap:
        with writing(pooler.dsn(swap.live), 20) as seen:
            time.sleep(1)
            swap.put()
            time.sleep(1)
            swap.put_back()
            time.sleep(1)
        print(seen)
        assert not seen.errors
        assert {tuple(seen.order(client)) for client in range(20)} == {("old", "new", "old")}
        assert not pooler.paused(swap.live)


@pytest.mark.skipif(bool(pgbouncer.missing()), reason=pgbouncer.missing())
def test_a_client_that_keeps_its_transaction_open_delays_the_others_and_is_ended(server: PostgresServer) -> None:
    with pgbouncer.pooler(server) as pooler, pair(server, Pooler(pooler.dsn())) as swap:
        with closing(psycopg.connect(pooler.dsn(swap.live), prepare_threshold=None)) as idle:
            idle.execute("SELECT 1")
            swap.put()
            assert not pooler.paused(swap.live)
            with pytest.raises((psycopg.OperationalError, psycopg.errors.ProtocolViolation)):  # ended here, or by the pooler
                idle.execute("SELECT 1")
        with psycopg.connect(pooler.dsn(swap.live), prepare_threshold=None) as other:
            assert other.execute("TABLE was").fetchall() == [("new",)]


@pytest.mark.skipif(bool(pgbouncer.missing()), reason=pgbouncer.missing())
def test_a_paused_database_that_the_pooler_no_longer_lists_is_let_go(server: PostgresServer) -> None:
    with pgbouncer.pooler(server) as pooler, pair(server, Pooler(pooler.dsn())) as swap:
        with psycopg.connect(pooler.dsn(), autocommit=True, prepare_threshold=None) as console:
            console.execute(f'PAUSE "{swap.live}"'.encode())
            until = time.monotonic() + 30
            while swap.live in {row[0] for row in console.execute("SHOW DATABASES").fetchall()}:
                assert time.monotonic() < until, "an unused database leaves the list"
                time.sleep(0.05)
        for _ in range(2):  # the second time there is nothing to let go
            swap.store.reopen(unhurried())
        argv = [str(server.binaries.bin / "psql"), "-XAtc", "TABLE was", pooler.dsn(swap.live)]
        assert subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout == "old\n"


def test_everything_that_belongs_to_the_database_outside_of_itself_is_equal_afterwards(swap: Swap) -> None:
    role = f"{swap.live}_owner"
    swap.server.sql(BELONGINGS.format(live=swap.live, copy=swap.copy, role=role))
    properties, schema = swap.properties(), swap.schema()
    try:
        swap.put()
        assert (swap.was(), swap.properties(), swap.schema()) == ("new", properties, schema)
        swap.put_back()
        assert (swap.was(), swap.properties(), swap.schema()) == ("old", properties, schema)
    finally:
        for name in swap.names():
            swap.server.sql(f"REASSIGN OWNED BY {role} TO postgres; DROP OWNED BY {role}, {role}_reader", database="postgres")
            swap.server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')
        swap.server.sql(f"DROP ROLE {role}, {role}_reader")


def test_whoever_sits_in_a_transaction_is_ended_and_what_was_not_committed_is_nowhere(swap: Swap) -> None:
    with closing(swap.connect()) as idle, closing(psycopg.connect(swap.server.dsn(swap.copy))) as looking:
        idle.execute("INSERT INTO written VALUES (1, 1)")
        looking.execute("TABLE was")
        swap.put()
        with pytest.raises(psycopg.OperationalError):
            idle.commit()
    assert (swap.was(), swap.rows("TABLE written"), swap.rows("TABLE written", swap.old)) == ("new", [], [])
    assert swap.names() == {swap.live: True, swap.old: False}


@pytest.mark.parametrize(
    ("hold", "let_go", "name"),
    [
        ("BEGIN; INSERT INTO written VALUES (1, 1); PREPARE TRANSACTION 'order 7'", "ROLLBACK PREPARED 'order 7'", "order 7"),
        ("SELECT pg_create_logical_replication_slot('feed', 'test_decoding')", "SELECT pg_drop_replication_slot('feed')", "feed"),
        ("CREATE SUBSCRIPTION news CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)",
         "ALTER SUBSCRIPTION news SET (slot_name = NONE); DROP SUBSCRIPTION news", "news"),
        ("SELECT pg_advisory_lock(hashtextextended('mainstay', 0))", "SELECT 1", "a step at work"),
    ],
    ids=["prepared transaction", "replication slot", "subscription", "another Mainstay"],
)  # fmt: skip
def test_what_holds_on_to_the_database_is_named_and_nothing_is_touched(swap: Swap, hold: str, let_go: str, name: str) -> None:
    with swap.server.connect(swap.live) as holder:
        for statement in hold.split("; "):
            holder.execute(statement.encode())
        with pytest.raises(Refused, match=name):
            swap.put()
        for statement in let_go.split("; "):
            holder.execute(statement.encode())
        assert holder.execute("TABLE was").fetchall() == [("old",)]
    swap.put()
    assert swap.was() == "new"


def test_a_session_that_does_not_end_is_named_and_users_are_let_in_again(swap: Swap) -> None:
    with closing(swap.connect()) as stuck:
        os.kill(stuck.info.backend_pid, signal.SIGSTOP)
        try:
            with pytest.raises(StepFailed, match=f"pid {stuck.info.backend_pid} of postgres"):
                swap.put()
            assert (swap.was(), swap.names()) == ("old", {swap.live: True, swap.copy: True})
        finally:
            os.kill(stuck.info.backend_pid, signal.SIGCONT)


def test_asked_again_it_does_nothing_and_a_copy_that_is_not_there_is_refused(swap: Swap) -> None:
    with pytest.raises(Refused, match="no such copy"):
        swap.store.swap("shop_nothing", swap.old, unhurried())
    swap.put()
    names = swap.names()
    swap.put()
    assert (swap.names(), swap.was()) == (names, "new")


def test_what_was_written_since_is_counted_by_table(swap: Swap) -> None:
    swap.server.sql(
        "CREATE TABLE more(n int); INSERT INTO more VALUES (1); INSERT INTO written VALUES (1, 1), (1, 2)", database=swap.live
    )
    dump = Dump({"public.was": 1, "public.written": 5, "public.serial": 9})
    assert swap.store.newer(dump, unhurried()) == {"public.more": 1, "public.written": -3}
    assert swap.store.newer(Dump(), unhurried()) == {"public.more": 1, "public.written": 2, "public.was": 1}


@pytest.mark.parametrize("major", [pytest.param(major, marks=pytest.mark.slow) for major in (13, 17, 18)])
def test_other_versions_exchange_names_as_well(major: int, tmp_path: Path) -> None:
    if lacking := postgres_server.missing(major):
        pytest.skip(lacking)
    with postgres_server.server(tmp_path / "pg", major) as other, pair(other) as swap:
        with writing(other.dsn(swap.live), 10) as seen:
            time.sleep(1)
            swap.put()
            time.sleep(1)
        properties = swap.properties()
        assert {tuple(seen.order(client)) for client in range(10)} == {("old", "new")}
        swap.put_back()
        assert (swap.was(), swap.properties(), swap.names()) == ("old", properties, {swap.live: True, swap.copy: False})
