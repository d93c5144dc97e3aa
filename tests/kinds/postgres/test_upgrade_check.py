"""What stands in the way of the next major version is named, and pg_upgrade itself agrees."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.upgrade.upgrade_check import UpgradeParams
from mainstay.model.because import Finding, Level
from mainstay.model.target import Target
from tests.kinds.postgres.conftest import session_of
from tests.live import postgres_server
from tests.live.postgres_server import CACHE, PostgresServer

TASK = registry.load("postgres").task("upgrade_check")
NEXT = CACHE / "16" / "bin"
needs_next = pytest.mark.skipif(not (NEXT / "pg_upgrade").exists(), reason="needs PostgreSQL 16: make postgres-versions")
PLANTED = {
    "CREATE TABLE a(f regproc); CREATE DOMAIN d AS regoper; CREATE TYPE c AS (x d); CREATE TABLE b(f c[])": (
        "columns of a type that stores an object's number, such as public.a.f",
        2,
    ),
    "CREATE TABLE a(rights aclitem)": ("columns of the type aclitem: public.a.rights", 1),
    "CREATE TABLE a(c pg_class)": ("columns that store rows of the system catalogs: public.a.c", 1),
    "CREATE TABLE p(x int NOT NULL); CREATE TABLE k() INHERITS (p); ALTER TABLE k ALTER x DROP NOT NULL": (
        "columns that may be NULL in a child and not in its parent: public.k.x",
        1,
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of its own: the upgrade is of the whole cluster."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with postgres_server.server(tmp_path_factory.mktemp("pg"), settings={"old_snapshot_threshold": "1h"}) as running:
        yield running


@pytest.fixture
def planted(server: PostgresServer) -> Iterator[PostgresServer]:
    """The server with an empty database `app`."""
    server.create_database("app")
    yield server
    server.sql("DROP DATABASE app WITH (FORCE)")


def told(server: PostgresServer, to: int = 18, **settings: Any) -> list[Finding]:
    with session_of(Target("db", "postgres", PostgresSettings(server.dsn(), **settings))) as session:
        return TASK.assess(TASK.observe(session), UpgradeParams(to))


def blocked(found: list[Finding]) -> list[tuple[str, Any]]:
    return [(one.because.fact, one.because.value) for one in found if one.level is Level.CRITICAL]


@pytest.mark.parametrize("statement", PLANTED)
def test_what_an_upgrade_trips_over_is_named(planted: PostgresServer, statement: str) -> None:
    planted.sql(statement, database="app")
    assert blocked(told(planted)) == [PLANTED[statement]]


def test_what_the_whole_cluster_trips_over_is_named(planted: PostgresServer) -> None:
    planted.sql("ALTER DATABASE app ALLOW_CONNECTIONS false")
    planted.sql("SELECT pg_create_physical_replication_slot('standby')")
    with planted.connect() as other:
        other.execute("BEGIN; CREATE TABLE t(x int); PREPARE TRANSACTION 'late'")
    found = {f"{one.on}: {one.because}" for one in told(planted) if one.level is not Level.OK}
    planted.sql("ROLLBACK PREPARED 'late'")
    planted.sql("SELECT pg_drop_replication_slot('standby')")
    planted.sql("ALTER DATABASE app ALLOW_CONNECTIONS true")
    assert found == {
        "server: prepared transactions 1 > 0",
        "database app: accepts connections: no",
        "slot standby: physical slot: not carried over",
        "setting old_snapshot_threshold: removed in: 17",
        "server: data_checksums: off, and on by default from 18 on",
    }


def test_what_only_later_versions_mind_is_not_told_for_earlier_ones(planted: PostgresServer) -> None:
    planted.sql(
        "CREATE TABLE p(x int NOT NULL); CREATE TABLE k() INHERITS (p); ALTER TABLE k ALTER x DROP NOT NULL", database="app"
    )
    assert [str(one.because) for one in told(planted, 16)] == [
        "from 15 to 16: nothing known stands in the way",
        "not run: `next_programs` names no newer programs",
    ]


@pytest.mark.covers("DBP-18")
@needs_next
def test_pg_upgrade_itself_is_asked_and_leaves_the_server_as_it_is(planted: PostgresServer) -> None:
    before = sorted(path.name for path in planted.data.iterdir())
    found = told(planted, 16, next_programs=NEXT)
    assert "--check: passed in" in " ".join(str(one.because) for one in found)
    older = planted.sql("SELECT current_setting('server_version_num')::int >= 150019")[0][0]  # 16.14 came out with 15.18
    assert ("released before the running version: 16.14" in [str(one.because) for one in found]) == older
    assert sorted(path.name for path in planted.data.iterdir()) == before
    assert planted.sql("SELECT 1") == [(1,)]


@needs_next
def test_pg_upgrade_is_asked_where_the_temporary_folder_lies_deeper_than_a_socket(
    planted: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("very-deep" * 12)
    deep.mkdir()
    postgres_server._let_in(deep / "inside")
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    assert "--check: passed in" in " ".join(str(one.because) for one in told(planted, 16, next_programs=NEXT))
    assert list(deep.iterdir()) == []


@needs_next
def test_what_pg_upgrade_refuses_is_told_in_its_own_words(planted: PostgresServer) -> None:
    planted.sql("CREATE TABLE a(rights aclitem)", database="app")
    found = [
        str(one.because)
        for one in told(planted, 16, next_programs=NEXT)
        if one.on == "pg_upgrade" and one.level is Level.CRITICAL
    ]
    assert found[0] == '--check: Checking for incompatible "aclitem" data type in user tables'
    assert "public.a.rights" in found[1]


def test_an_upgrade_to_what_is_there_is_no_upgrade(server: PostgresServer) -> None:
    assert [str(one.because) for one in told(server, 15)] == ["version 15 >= to 15 (default)"]


def test_every_version_can_be_looked_at_and_what_only_old_ones_have_is_named(any_postgres: PostgresServer) -> None:
    before = blocked(told(any_postgres, any_postgres.major + 1))
    assert not before or "repack.array_accum" in before[0][0]  # pg_repack of version 13 has to be dropped before
    any_postgres.create_database("old")
    any_postgres.sql("CREATE CONVERSION mine FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", database="old")
    found = blocked(told(any_postgres, 18))
    any_postgres.sql("DROP DATABASE old")
    assert (("encoding conversions: public.mine", 1) in found) == (any_postgres.major == 13)
