"""What the usual shell does to a database that is in use, and what the vault does in its place."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.kinds.sqlite.content import measure
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import Source, unhurried
from mainstay.vault.verify import verify

ID = BackupId("20261121T020000Z.db.run-1")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Be an application in WAL mode: 100 orders are in the file, 200 more still in the write-ahead log."""
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)")
        connection.executemany("INSERT INTO orders(note) VALUES (?)", ((f"order {n}",) for n in range(100)))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.executemany("INSERT INTO orders(note) VALUES (?)", ((f"order {n}",) for n in range(200)))
        yield connection


def _rows(path: Path) -> int:
    with closing(sqlite3.connect(path)) as copy:
        return int(copy.execute("SELECT count(*) FROM orders").fetchone()[0])


def test_cp_loses_what_is_in_the_write_ahead_log_and_the_vault_does_not(tmp_path: Path, app: sqlite3.Connection) -> None:
    subprocess.run(["cp", str(tmp_path / "app.db"), str(tmp_path / "copied.db")], check=True)
    assert _rows(tmp_path / "copied.db") == 100  # of 300, and cp said nothing
    store, repository = SqliteStore(tmp_path / "app.db"), create_repository(tmp_path / "repo")
    make(repository, store, Order(ID, "db", "run-1"), unhurried())
    restore(repository, store, Request(ID, str(tmp_path / "restored.db")), unhurried())
    with closing(sqlite3.connect(tmp_path / "restored.db")) as restored:
        assert measure(restored) == measure(app)


def test_gunzip_finds_nothing_wrong_with_the_backup_of_nothing_and_the_vault_does(tmp_path: Path) -> None:
    dump = "set -e; sqlite3 /nonexistent/app.db .dump 2>/dev/null | gzip > backup.sql.gz; gunzip -t backup.sql.gz"
    assert subprocess.run(["sh", "-c", dump], cwd=tmp_path, check=False).returncode == 0
    assert gzip.decompress((tmp_path / "backup.sql.gz").read_bytes()).count(b"INSERT") == 0
    store, repository = SqliteStore(tmp_path / "missing.db"), create_repository(tmp_path / "repo")
    with pytest.raises(Exception, match=r"cannot be read .*missing\.db"):
        make(repository, store, Order(ID, "db", "run-1"), unhurried())
    assert list(repository.backups.iterdir()) == []


def test_gunzip_passes_a_dump_with_half_of_the_rows_and_a_proof_does_not(tmp_path: Path, app: sqlite3.Connection) -> None:
    half = tmp_path / "half.db"
    with closing(sqlite3.connect(half)) as made:
        made.executescript("CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT); INSERT INTO orders(note) VALUES ('one')")
    with gzip.open(tmp_path / "half.sql.gz", "wt") as dump, closing(sqlite3.connect(half)) as source:
        dump.writelines(f"{line}\n" for line in source.iterdump())
    assert subprocess.run(["gunzip", "-t", str(tmp_path / "half.sql.gz")], check=False).returncode == 0
    store, repository = SqliteStore(tmp_path / "app.db"), create_repository(tmp_path / "repo")
    manifest = make(repository, store, Order(ID, "db", "run-1"), unhurried())
    assert manifest.counts["orders"] == 300
    assert prove(repository, ID, store, "run-2", unhurried()).differences == ()


def test_a_backup_that_reads_well_but_holds_other_rows_is_named_by_table(tmp_path: Path, app: sqlite3.Connection) -> None:
    class Forgetful(SqliteStore):
        """A dump that loses a row after it was counted, as a dump that was killed does."""

        def load(self, source: Source, place: str, only: str = "") -> None:
            super().load(source, place)
            with closing(sqlite3.connect(place)) as copy:
                copy.execute("DELETE FROM orders WHERE id = 7")
                copy.commit()

    store, repository = Forgetful(tmp_path / "app.db"), create_repository(tmp_path / "repo")
    make(repository, store, Order(ID, "db", "run-1"), unhurried())
    assert verify(repository, ID, unhurried()) == ()
    found = prove(repository, ID, store, "run-2", unhurried())
    assert found.differences == ("orders: 300 in the manifest, 299 in the copy",)
