"""A real server with some of everything that Redis can hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.store import RedisStore
from mainstay.system.process import Door
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
    return RedisStore("cache", RedisSettings(server.url), Door(tag="test-redis"))
