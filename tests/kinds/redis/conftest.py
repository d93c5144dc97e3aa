"""A real server with some of everything that Redis can hold."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.store import RedisStore
from mainstay.model.setting import SecretRef
from mainstay.system.process import Door
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import Dump, Work, unhurried
from tests.live import redis_server
from tests.live.redis_server import RedisServer

LIBRARY = "#!lua name=shop\nredis.register_function('price', function() return 42 end)"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a server where none can be run."""
    for item in items:
        if redis_server.missing() and "kinds/redis" in str(item.path):
            item.add_marker(pytest.mark.skip(reason=f"needs {redis_server.missing()}"))


@pytest.fixture
def server(tmp_path: Path, free_port: int) -> Iterator[RedisServer]:
    """Run a server with keys of every type in two databases, and a library of functions."""
    with redis_server.server(tmp_path / "live", free_port) as made:
        fill(made)
        yield made


def fill(server: RedisServer) -> None:
    """Write some of everything."""
    with server.client as client:
        client.mset({f"key:{number}": "x" * number for number in range(200)})
        client.hset("hash", mapping={"a": "1", "b": "2"})
        client.rpush("list", "c", "b", "a")
        client.sadd("set", "x", "y", "z")
        client.zadd("sorted", {"one": 1, "two": 2.5})
        client.xadd("stream", {"event": "sold"})
        client.set("binary", b"\x00\xff")
        client.set("session", "soon gone", px=300)
        client.set("cached", "for a day", ex=86_400)
        client.function_load(LIBRARY)
        client.select(3)
        client.set("elsewhere", "1")


@pytest.fixture
def store(server: RedisServer) -> RedisStore:
    """Return the store of the server."""
    return store_of(server, f"test-redis-{os.getpid()}")


def store_of(server: RedisServer, tag: str = "", **settings: Any) -> RedisStore:
    """Return the store of a server under these settings."""
    return RedisStore(server.folder, "cache", RedisSettings(server.url, **settings), Door(tag=tag))


def dumped(store: RedisStore, folder: Path, work: Work | None = None) -> PlainFolder:
    """Dump into a new folder; what the dump says survives JSON."""
    folder.mkdir()
    plain = PlainFolder(folder, work or unhurried())
    plain.dump = store.dump(plain)
    assert json.loads(json.dumps(plain.dump.extra)) == plain.dump.extra
    return plain


def loaded(store: RedisStore, plain: PlainFolder, place: Path) -> Dump:
    """Load a dump, and return what came out."""
    store.load(plain, str(place))
    return store.describe(str(place), unhurried())


def secret(folder: Path, text: str) -> SecretRef:
    """Write a password where a setting can name it."""
    path = folder / "secret"
    path.write_text(text)
    path.chmod(0o600)
    return SecretRef("file", str(path))
