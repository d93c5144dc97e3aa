"""Redis servers: their health, and backups that a private server has loaded."""

from __future__ import annotations

from mainstay.kinds.kind import Kind
from mainstay.kinds.redis.check import Check
from mainstay.kinds.redis.discover import discover
from mainstay.kinds.redis.server import connect, place
from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.store import RedisStore
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.store import Store


def resource(target: Target) -> str:
    """Identify a server by host and port, or by its socket."""
    return f"redis:{place(target.settings.url)}"


def store(target: Target, door: Door) -> Store:
    """Return how a server is backed up."""
    return RedisStore(target.settings.folder, target.name, target.settings, door)


KIND = Kind(
    name="redis",
    summary="Redis 6 and newer: health and persistence, and backups that were loaded again",
    settings=RedisSettings,
    tasks=(Check(),),
    category="data",
    connect=connect,
    resource=resource,
    store=store,
    discover=discover,
)
