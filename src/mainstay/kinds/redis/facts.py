"""What a look at a server shows: INFO, one answer of the server, and what it is told to save."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mainstay.kinds.kind import Session
from mainstay.kinds.redis.server import Server
from mainstay.kinds.redis.settings import RedisSettings
from mainstay.model.units import Duration, Size
from mainstay.system import clock


@dataclass(frozen=True)
class Saving:
    """How far the data are on disk. `points` is the setting `save`, None where it may not be read."""

    points: str | None = None
    sound: bool = True  # the last save came to its end
    last: datetime | None = None
    changes: int = 0  # since the last save
    aof: bool = False
    aof_written: bool = True
    aof_rewritten: bool = True


@dataclass(frozen=True)
class Facts:
    """One look. What a server that is loading does not say is as its default here."""

    at: datetime
    settings: RedisSettings
    server: str  # host and port, or socket
    answer: Duration  # how long it took to say all this
    version: str
    run: str  # the server's name for its own run: counters begin anew with it
    role: str = "master"
    loading: bool = False
    keys: int = 0
    used: Size = Size(0)
    most: Size = Size(0)  # maxmemory; 0 = no limit
    policy: str = ""  # maxmemory-policy
    evicted: int = 0  # since the server started
    evicted_anew: int = 0  # since the previous look, or since the server started
    clients: int = 0
    most_clients: int = 0
    link: bool = True  # of a replica: its primary answers
    link_lost: Duration = Duration(0)
    saving: Saving = Saving()


def look(session: Session) -> Facts:
    """Ask once."""
    server: Server = session.connection
    settings, began = session.target.settings, clock.monotonic()
    seen = server.information()
    answer = Duration(clock.monotonic() - began)
    last: Facts | None = session.last
    evicted = int(seen.get("evicted_keys", 0))
    before = last.evicted if last and last.run == seen["run_id"] else 0
    return Facts(
        clock.now(),
        settings,
        server.name,
        answer,
        str(seen["redis_version"]),
        str(seen["run_id"]),
        role=str(seen.get("role", "master")),
        loading=bool(seen.get("loading", 0)),
        keys=sum(value["keys"] for name, value in seen.items() if name[:2] == "db" and name[2:].isdigit()),
        used=Size(seen.get("used_memory", 0)),
        most=Size(seen.get("maxmemory", 0)),
        policy=str(seen.get("maxmemory_policy", "")),
        evicted=evicted,
        evicted_anew=max(0, evicted - before),
        clients=int(seen.get("connected_clients", 0)),
        most_clients=int(seen.get("maxclients", 0)),
        link=seen.get("master_link_status", "up") == "up",
        link_lost=Duration(max(0, seen.get("master_link_down_since_seconds", 0))),
        saving=_saving(server, seen),
    )


def _saving(server: Server, seen: Mapping[str, Any]) -> Saving:
    last = int(seen.get("rdb_last_save_time", 0))
    return Saving(
        points=None if seen.get("loading") else server.setting("save"),
        sound=seen.get("rdb_last_bgsave_status", "ok") == "ok",
        last=datetime.fromtimestamp(last, UTC) if last else None,
        changes=int(seen.get("rdb_changes_since_last_save", 0)),
        aof=bool(seen.get("aof_enabled", 0)),
        aof_written=seen.get("aof_last_write_status", "ok") == "ok",
        aof_rewritten=seen.get("aof_last_bgrewrite_status", "ok") == "ok",
    )
