"""A Redis server through the whole vault: backed up, proven, damaged, restored, and started on what was restored."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.store import RedisStore
from mainstay.system.process import Door
from mainstay.vault.backup import Order, make
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository, create_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import unhurried
from tests.live import redis_server
from tests.live.redis_server import RedisServer

pytestmark = pytest.mark.skipif(bool(redis_server.missing()), reason=f"needs {redis_server.missing()}")


def backed_up(server: RedisServer, repository: Repository) -> tuple[RedisStore, Manifest]:
    with server.client as client:
        client.mset({f"key:{number}": "x" * number for number in range(500)})
        client.set("session", "soon gone", px=100)
    store = RedisStore(server.folder, "cache", RedisSettings(server.url), Door())
    order = Order(BackupId.of(datetime(2026, 11, 21, 2, tzinfo=UTC), "cache", "run-1"), "cache", "run-1")
    return store, make(repository, store, order, unhurried())


def test_a_backup_is_proven_restored_and_served_by_another_server(tmp_path: Path, free_port: int) -> None:
    repository = create_repository(tmp_path / "repository")
    with redis_server.server(tmp_path / "live", free_port) as server:
        store, manifest = backed_up(server, repository)
    assert prove(repository, manifest.id, store, "proof-1", unhurried()).differences == ()
    restore(repository, store, Request(manifest.id, store.beside("again")), unhurried())
    (tmp_path / "live" / "data.again").rename(tmp_path / "live" / "new")
    (tmp_path / "other").mkdir()
    (tmp_path / "live" / "new").rename(tmp_path / "other" / "data")
    with redis_server.server(tmp_path / "other", free_port) as other, other.client as client:
        assert client.dbsize() == 500


def test_a_bit_that_was_flipped_in_the_repository_is_found_before_anything_is_loaded(tmp_path: Path, free_port: int) -> None:
    repository = create_repository(tmp_path / "repository")
    with redis_server.server(tmp_path / "live", free_port) as server:
        store, manifest = backed_up(server, repository)
    [file] = (tmp_path / "repository" / "objects").rglob("*.zst")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)
    [difference] = prove(repository, manifest.id, store, "proof-1", unhurried()).differences
    assert difference.startswith("dump.rdb: objects/")
