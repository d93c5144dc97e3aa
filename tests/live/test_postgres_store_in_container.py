"""A database in a container: dumped, restored and proven by programs that run inside, through stdin and stdout alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.store import PostgresStore
from mainstay.model.errors import Refused
from mainstay.model.setting import Place
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import unhurried
from tests.live import docker_engine, postgres_server
from tests.live.test_postgres_container import container, wait
from tests.live.test_postgres_container import pytestmark as pytestmark

ID = BackupId("20261121T020000Z.db.run-1")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresStore]:
    """Return the store of a server in a container, with a table of 7,500 rows in it."""
    port, folder = postgres_server._free_port(), tmp_path_factory.mktemp("docker")
    dsn = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
    target = Target("db", "postgres", PostgresSettings(dsn, dsn_inside=f"host=/tmp port={port} user=postgres"), Place("db"))
    with docker_engine.engine(folder) as host, pytest.MonkeyPatch.context() as environment, container(host, port, folder):
        environment.setenv("DOCKER_HOST", host)
        wait(dsn, host)
        yield PostgresStore(target, Door(target.place, tag="run-1/db.task/store"))


def test_a_backup_is_restored_and_proven_inside(store: PostgresStore, tmp_path: Path) -> None:
    repository = create_repository(tmp_path / "repo")
    manifest = make(repository, store, Order(ID, "db", "run-1"), unhurried())
    assert manifest.counts["public.orders"] == 7500
    restore(repository, store, Request(ID, "restored"), unhurried())
    assert store.describe("restored", unhurried()).digests["public.orders"] == manifest.digests["public.orders"]
    proof = prove(repository, ID, store, "proof", unhurried())
    assert proof.differences == ()
    assert proof.checked[0] == "proven in a scratch database of the same server: the server runs in a container"
    with pytest.raises(Refused, match="one table alone cannot be restored into a container"):
        restore(repository, store, Request(ID, "alone", "public.orders"), unhurried())
