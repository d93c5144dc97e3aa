"""How a Redis server is reached, what is too much of anything there, and how its backups are proven."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration, Share


@dataclass(frozen=True)
class Limits:
    """Above these, `check` has a finding."""

    memory: Annotated[Share, Setting("used share of maxmemory", ge=0, le=1, example="80%")] = Share(0.9)
    clients: Annotated[Share, Setting("used share of maxclients", ge=0, le=1, example="80%")] = Share(0.8)
    latency: Annotated[Duration, Setting("longest time that one question may take", ge=0, example="50ms")] = Duration(0.1)
    unsaved: Annotated[
        Duration,
        Setting("age of the last save to disk, where the server is to save and keys have changed since", ge=0, example="6h"),
    ] = Duration(86_400)
    link: Annotated[Duration, Setting("how long a replica may be without its primary", ge=0, example="30s")] = Duration(60)


@dataclass(frozen=True)
class RedisSettings:
    """One server: the way to it, and what it may be asked to bear."""

    url: Annotated[
        str,
        Setting(
            "redis://[USER@]HOST[:PORT], rediss:// for TLS, or unix:///PATH; never with a password", example="redis://localhost"
        ),
    ]
    password: Annotated[SecretRef | None, Setting("where the password is; without it, none is sent")] = None
    authority: Annotated[
        Path | None, Setting("certificates that a rediss:// server's is checked against; default: the system's")
    ] = None
    timeout: Annotated[Duration, Setting("how long connecting, and each answer, may take", ge=0.1, le=120, example="2s")] = (
        Duration(5)
    )
    limits: Annotated[Limits, Setting("what `check` finds too much")] = field(default_factory=Limits)
    scratch_server: Annotated[
        str,
        Setting(
            "program on this host that loads a dump to count and digest it; '' = none: then no backup can be proven",
            example="/usr/bin/redis-server",
        ),
    ] = "redis-server"
    folder: Annotated[Path, Setting("the server's folder (its setting `dir`) on this host; restored copies appear beside it")] = (
        Path("/var/lib/redis")
    )

    def __post_init__(self) -> None:
        """Refuse what is no address of a server, and a password in it: it would be seen in plans, reports and the journal."""
        parts = urlsplit(self.url)
        if not re.fullmatch(r"rediss?|unix", parts.scheme):
            raise ValueError("write redis://HOST:PORT, rediss://HOST:PORT or unix:///PATH")
        if parts.password or "password" in parse_qs(parts.query, keep_blank_values=True):
            raise ValueError("a URL must not hold a password: write it to a file and use `password: {file: ...}`")
