"""Every version of PostgreSQL, and from an older to a newer one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.kinds.postgres.store import PostgresStore
from mainstay.model.errors import Refused
from mainstay.vault.store import unhurried
from tests.kinds.postgres.conftest import Database, fresh_database
from tests.kinds.postgres.store.conftest import NASTY, altered, differences, dumped, store_of
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

CLIENTS = {14: 15}  # whose own are not to be had: those of the next version that has some


def _store(database: Database, folder: Path) -> PostgresStore:
    """Return a store that uses the programs of the server's own version."""
    major = database.server.major
    binaries = postgres_server.find(CLIENTS.get(major, major))
    if not binaries or not binaries.has("pg_dump"):
        pytest.skip(f"no pg_dump for PostgreSQL {major}")
    return store_of(database, programs=binaries.outside(folder / "programs"))


def test_every_version_dumps_and_restores_the_nasty_database(any_postgres: PostgresServer, tmp_path: Path) -> None:
    with fresh_database(any_postgres) as nasty:
        if not nasty.sql("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"):
            pytest.skip(f"PostgreSQL {any_postgres.major} has no pg_trgm here")
        nasty.sql(NASTY.read_text(encoding="utf-8"))
        store, copy = _store(nasty, tmp_path), f"copy_of_{nasty.name}"
        source = dumped(store, tmp_path / "dump")
        try:
            store.load(source, copy)
            assert differences(source.dump, store.describe(copy, unhurried())) == {}
        finally:
            store.remove(copy)
        assert not store.exists(copy)
        with pytest.raises(Refused, match=f"the server is version {any_postgres.major}, the backup is of version 99"):
            store.load(altered(source, version_number=990_000), copy)


@pytest.mark.slow
def test_a_dump_goes_from_an_older_version_to_a_newer_one_and_not_back(tmp_path: Path) -> None:
    for major in (13, 17):
        if lacking := postgres_server.missing(major):
            pytest.skip(lacking)
    with (
        postgres_server.server(tmp_path / "13", 13) as old,
        postgres_server.server(tmp_path / "17", 17) as new,
        fresh_database(old) as nasty,
        fresh_database(new) as other,
    ):
        nasty.sql(NASTY.read_text(encoding="utf-8"))
        (here := tmp_path / "here").mkdir()
        (there := tmp_path / "there").mkdir()
        older, newer = _store(nasty, here), _store(other, there)
        source = dumped(older, tmp_path / "dump")
        newer.load(source, "upgraded")
        assert differences(source.dump, newer.describe("upgraded", unhurried())) == {}
        back = dumped(newer, tmp_path / "back")
        with pytest.raises(Refused, match="the server is version 13, the backup is of version 17"):
            older.load(back, "back")
