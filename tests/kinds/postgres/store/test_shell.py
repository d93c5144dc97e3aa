"""What the usual pipe of pg_dump and gzip does wrong, and what the store does in its place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mainstay.model.errors import Refused, StepFailed
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.store import Work, unhurried
from tests.kinds.postgres.conftest import Database, fresh_database
from tests.kinds.postgres.store.conftest import dumped, store_of

ID = BackupId("20261121T020000Z.db.run-1")


def _shell(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    where = {"PATH": "/usr/bin:/bin", **environment}
    return subprocess.run(["sh", "-c", script], cwd=folder, env=where, capture_output=True, timeout=60, check=False)


@pytest.mark.covers("BKP-01")
def test_gunzip_passes_a_dump_that_was_killed_and_the_store_leaves_no_backup(shop: Database, tmp_path: Path) -> None:
    _shell('pg_dump "$DSN" | head -c 300000 | gzip > backup.sql.gz', tmp_path, DSN=shop.dsn)  # it dies in the middle
    assert _shell("gunzip -t backup.sql.gz", tmp_path).returncode == 0
    with fresh_database(shop.server) as restored:
        done = _shell('gunzip -c backup.sql.gz | psql -q "$DSN"', tmp_path, DSN=restored.dsn)
        assert done.returncode == 0
        assert restored.sql("SELECT count(*) FROM log")[0][0] < 3000
    shop.sql("INSERT INTO log SELECT md5(g::text) FROM generate_series(1, 400000) g")
    repository, store = create_repository(tmp_path / "repo"), store_of(shop, jobs=1)

    class Killing(Work):
        """Ends the server's side of a running COPY as soon as bytes move."""

        def moved(self, bytes: int) -> None:
            who = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND pid <> pg_backend_pid()"
            shop.sql(who)

    with pytest.raises(StepFailed, match="psql failed"):
        make(repository, store, Order(ID, "db", "run-1"), Killing(unhurried().deadline))
    assert list(repository.backups.iterdir()) == []
    assert _sessions(shop) == 0


def _sessions(database: Database) -> int:
    [(count,)] = database.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'mainstay%%'")
    return int(count)


def test_psql_doubles_rows_over_a_live_database_and_the_store_never_writes_there(shop: Database, tmp_path: Path) -> None:
    done = _shell('pg_dump "$DSN" > backup.sql && psql -q "$DSN" < backup.sql', tmp_path, DSN=shop.dsn)
    assert done.returncode == 0
    assert shop.sql("SELECT count(*) FROM log") == [(6000,)]
    store = store_of(shop)
    with pytest.raises(Refused, match="never writes over anything"):
        store.load(dumped(store, tmp_path / "dump"), shop.name)
    with pytest.raises(Refused, match="not made by a restore"):
        store.remove(shop.name)
    assert shop.sql("SELECT count(*) FROM log") == [(6000,)]
