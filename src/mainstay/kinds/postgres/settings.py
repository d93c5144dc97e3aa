"""How a PostgreSQL server is reached, which of its databases are cared for, and what is too much of anything there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration, Share, Size


@dataclass(frozen=True)
class Limits:
    """Above (or below) these, `check` has a finding. Shares are of what the server itself allows."""

    connections: Annotated[Share, Setting("used share of max_connections", ge=0, le=1, example="80%")] = Share(0.8)
    transaction: Annotated[Duration, Setting("age of the oldest open transaction", ge=0, example="15m")] = Duration(900)
    idle_transaction: Annotated[Duration, Setting("age of a transaction that is idle", ge=0, example="5m")] = Duration(300)
    statement: Annotated[Duration, Setting("how long a statement may have been running", ge=0, example="1m")] = Duration(60)
    lock_wait: Annotated[Duration, Setting("how long a session may have been waiting for a lock", ge=0, example="5s")] = Duration(
        5
    )
    cache_hit: Annotated[Share, Setting("smallest share of reads that shared buffers answer", ge=0, le=1, example="80%")] = Share(
        0.8
    )
    latency: Annotated[
        Duration, Setting("longest time that a small read or a small durable write may take", ge=0, example="50ms")
    ] = Duration(0.05)
    sequence: Annotated[Share, Setting("used share of a sequence, or of the column that it fills", ge=0, le=1, example="80%")] = (
        Share(0.8)
    )
    wraparound: Annotated[
        Share, Setting("age of the oldest row as a share of what would stop the server (transactions, multixacts)", ge=0, le=1)
    ] = Share(0.4)
    replication_lag: Annotated[Duration, Setting("how far a replica may be behind", ge=0, example="1m")] = Duration(60)
    slot: Annotated[Size, Setting("write-ahead log that a replication slot may hold back", ge=0, example="5GB")] = Size(
        5_000_000_000
    )
    archive: Annotated[Duration, Setting("how long archiving may have been failing", ge=0, example="10m")] = Duration(600)
    prepared: Annotated[Duration, Setting("age of a prepared transaction", ge=0, example="10m")] = Duration(600)
    autovacuum: Annotated[
        float, Setting("dead rows of a table as a multiple of the number at which autovacuum starts", ge=1, example="3")
    ] = 3.0


@dataclass(frozen=True)
class PostgresSettings:
    """One server: the connection, and what it may be asked to bear."""

    dsn: Annotated[
        str,
        Setting(
            "connection string or URI of libpq, without a password; `service=NAME` and `sslmode=` are honoured",
            example="postgresql://mainstay@db.example.com/app?sslmode=verify-full",
        ),
    ]
    password: Annotated[SecretRef | None, Setting("where the password is; without it, as libpq finds it (~/.pgpass)")] = None
    databases: Annotated[
        tuple[str, ...], Setting("databases to care for besides that of the connection; `*` stands for all", example="['*']")
    ] = ()
    dsn_inside: Annotated[
        str,
        Setting(
            "how programs that run where the server runs reach it, when `runs_in` is a container; default: its socket there",
            example="host=/var/run/postgresql user=postgres",
        ),
    ] = ""
    programs: Annotated[
        Path | None,
        Setting("folder of the server's programs; default: as Debian has it, else PATH", example="/usr/lib/postgresql/15/bin"),
    ] = None
    connect_timeout: Annotated[Duration, Setting("how long connecting may take", ge=2, le=120, example="10s")] = Duration(10)
    statement_timeout: Annotated[Duration, Setting("how long one look may take", ge=1, example="1m")] = Duration(60)
    lock_timeout: Annotated[
        Duration,
        Setting("how long a statement may queue for a lock, keeping everybody behind it waiting", ge=0.01, example="100ms"),
    ] = Duration(0.1)
    limits: Annotated[Limits, Setting("what `check` finds too much")] = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Refuse a password in the connection string: it would be seen in plans, reports and the journal."""
        for text in (self.dsn, self.dsn_inside):
            named = re.search(r"(^|[\s?&;])password\s*=", text)
            if named or ("://" in text and urlsplit(text).password):
                raise ValueError(
                    "a connection string must not hold a password: write it to a file and use `password: {file: ...}`"
                )
