"""How a PostgreSQL server is reached, which of its databases are cared for, and what is too much of anything there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal
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


_NAME = r'(?:"(?:[^"]|"")+"|[^\W\d][\w$]*)'  # an identifier, as SQL has it


@dataclass(frozen=True)
class Rule:
    """Which rows of a table should not be there: those whose parent is missing, those that a condition chooses, or both."""

    table: Annotated[str, Setting("the table, with its schema, as SQL has it", example="shop.items")]
    parent: Annotated[str, Setting("the table that `columns` point to, with its schema", example="shop.orders")] = ""
    columns: Annotated[
        dict[str, str], Setting("column of the table: column of its parent; NULL points to nothing", example="{order_id: id}")
    ] = field(default_factory=dict)
    where: Annotated[
        str,
        Setting(
            "SQL condition that chooses rows; the table is `child`, other names need their schema", example="child.total < 0"
        ),
    ] = ""
    database: Annotated[str, Setting("where the table is; default: the database of the connection", example="shop")] = ""

    def __post_init__(self) -> None:
        """Refuse what chooses no rows, or chooses them by more than one condition."""
        for name in filter(None, (self.table, self.parent)):
            if not re.fullmatch(rf"{_NAME}\.{_NAME}", name):
                raise ValueError(f'{name!r} is not a table with its schema: write shop.items, or "Shop"."Items"')
        if bool(self.parent) != bool(self.columns):
            raise ValueError("`parent` and `columns` go together")
        if not self.parent and not self.where:
            raise ValueError("a rule needs `parent` and `columns`, or `where`")
        if ";" in self.where:
            raise ValueError("`where` is one condition: write it without a semicolon")

    def __str__(self) -> str:
        return " where ".join(part for part in (self.table, self.where) if part)


@dataclass(frozen=True)
class Orphans:
    """What `orphans` looks for."""

    rules: Annotated[
        dict[str, Rule],
        Setting("rows that should not be there, by the name of the rule", example="{items: {table: shop.items, where: ...}}"),
    ] = field(default_factory=dict)
    foreign_keys: Annotated[
        Literal["suspect", "all", "none"],
        Setting("foreign keys that are counted too: those never validated or switched off, or all (after a restore, say)"),
    ] = "suspect"
    large_objects: Annotated[bool, Setting("count large objects that no column names")] = True


def qualified(name: str) -> tuple[str, str]:
    """Return schema and name of a table as the catalog has them."""
    schema, table = (part[1:-1].replace('""', '"') if part.startswith('"') else part.lower() for part in re.findall(_NAME, name))
    return schema, table


@dataclass(frozen=True)
class Amcheck:
    """How much the task `amcheck` looks at in one go, and how closely."""

    depth: Annotated[
        Literal["order", "rows", "parents"],
        Setting("`order` of an index; `rows`: every row has its entry; `parents`: pages too, which blocks writes meanwhile"),
    ] = "rows"
    tables: Annotated[bool, Setting("check tables as well (PostgreSQL 14 and newer)")] = True
    most: Annotated[Size, Setting("bytes in one go; what was checked longest ago comes first", ge=0, example="10GB")] = Size(
        10_000_000_000
    )
    time: Annotated[Duration, Setting("time in one go", ge=1, example="30m")] = Duration(1800)


@dataclass(frozen=True)
class Tolerance:
    """By how much the rows of a table may change between two counts."""

    change: Annotated[
        Literal["exact", "no_decrease", "percent"],
        Setting("`exact`: not at all; `no_decrease`: it may grow; `percent`: by `share`"),
    ] = "no_decrease"
    share: Annotated[Share, Setting("largest change in either direction, for `percent`", ge=0, le=1, example="5%")] = Share(0.01)


@dataclass(frozen=True)
class Counting:
    """What the task `counts` counts; a loss beyond the tolerance is critical."""

    tables: Annotated[
        dict[str, Tolerance],
        Setting(
            "tables to count, with their schema as SQL has it; default: the 20 largest", example="{shop.orders: {change: exact}}"
        ),
    ] = field(default_factory=dict)
    otherwise: Annotated[Tolerance, Setting("for tables that are not named")] = field(default_factory=Tolerance)
    within: Annotated[Duration, Setting("how long counting may take", ge=1, example="10m")] = Duration(600)

    def __post_init__(self) -> None:
        """Refuse a name that is none."""
        for name in self.tables:
            if not re.fullmatch(rf"{_NAME}\.{_NAME}", name):
                raise ValueError(f'{name!r} is not a table with its schema: write shop.items, or "Shop"."Items"')


@dataclass(frozen=True)
class Backups:
    """How a database is dumped, and what a copy of it has to show."""

    jobs: Annotated[int, Setting("programs at work at once, each with one process of the server", ge=1, le=64, example="4")] = 2
    expected: Annotated[
        tuple[str, ...],
        Setting("tables without which a dump fails, with their schema as SQL has it", example="[shop.orders, shop.items]"),
    ] = ()
    assertions: Annotated[
        dict[str, str],
        Setting(
            "queries that yield true in every sound copy, by what they assert",
            example="{every item has an order: 'SELECT NOT EXISTS (...)'}",
        ),
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name that is none."""
        for name in self.expected:
            if not re.fullmatch(rf"{_NAME}\.{_NAME}", name):
                raise ValueError(f'{name!r} is not a table with its schema: write shop.items, or "Shop"."Items"')


@dataclass(frozen=True)
class Pooler:
    """A PgBouncer through which applications reach the database; while a copy takes its place, they wait there."""

    dsn: Annotated[
        str,
        Setting(
            "connection string of its administration console, without a password", example="host=127.0.0.1 port=6432 user=admin"
        ),
    ]
    password: Annotated[SecretRef | None, Setting("where the password is; without it, as libpq finds it (~/.pgpass)")] = None
    databases: Annotated[
        tuple[str, ...],
        Setting("its names for the database; default: the name of the database itself", example="[shop, shop_ro]"),
    ] = ()

    def __post_init__(self) -> None:
        """Refuse a password in the connection string."""
        _refuse_password(self.dsn)


@dataclass(frozen=True)
class Service:
    """The service of a Compose file that runs the server."""

    file: Annotated[Path, Setting("the Compose file that names its image", example="/srv/app/compose.yaml")]
    name: Annotated[str, Setting("its name there", example="db")]


@dataclass(frozen=True)
class KeepBases:
    """How long base backups stay; the log that the oldest of them needs stays with it."""

    bases: Annotated[int, Setting("the newest so many base backups stay", ge=1, example="2")] = 2
    back: Annotated[Duration, Setting("how far back a recovery must be able to go", ge=0, example="7d")] = Duration(7 * 86400)


@dataclass(frozen=True)
class ArchiveSettings:
    """The archive of base backups and write-ahead log from which the server is recovered to a point in time."""

    path: Annotated[
        Path,
        Setting(
            "folder of the archive, on another disk; made when its parent is there", example="/backups/wal/db", writes="makes"
        ),
    ]
    slot: Annotated[
        str,
        Setting("replication slot of `mainstay wal receive`; empty where archive_command calls `mainstay wal push`"),
    ] = "mainstay"
    max_rpo: Annotated[Duration, Setting("age of the newest commit that may be lost with the server", ge=1, example="1m")] = (
        Duration(60)
    )
    max_lag: Annotated[Size, Setting("log that the archive may be behind the server", ge=0, example="64MB")] = Size(64_000_000)
    max_rto: Annotated[
        Duration | None, Setting("how long a recovery may take, measured at each proof; default: no limit", ge=1, example="30m")
    ] = None
    max_base_age: Annotated[Duration, Setting("age of the newest base backup", ge=60, example="8d")] = Duration(8 * 86400)
    max_proof_age: Annotated[Duration, Setting("age of the newest recovery for practice", ge=60, example="8d")] = Duration(
        8 * 86400
    )
    min_free: Annotated[Size, Setting("room that must be left for the archive, and for pg_wal", ge=0, example="2GB")] = Size(
        1_000_000_000
    )
    keep: Annotated[KeepBases, Setting("how long base backups and log stay")] = field(default_factory=KeepBases)
    user: Annotated[str, Setting("who owns and runs a recovered cluster, when Mainstay runs as root", example="postgres")] = (
        "postgres"
    )
    scratch: Annotated[
        Path | None,
        Setting("folder with room for a recovered cluster, which `user` can enter; default: beside the archive"),
    ] = None

    def __post_init__(self) -> None:
        """Refuse a slot that PostgreSQL would refuse."""
        if not re.fullmatch(r"[a-z0-9_]{0,63}", self.slot):
            raise ValueError(f"{self.slot!r} is not the name of a slot: lower-case letters, digits and _")


@dataclass(frozen=True)
class Application:
    """A role by which an application logs in."""

    role: Annotated[str, Setting("name of the role; no superuser", example="shop")]
    password: Annotated[SecretRef | None, Setting("where its password is; without it, as libpq finds it")] = None


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
    next_programs: Annotated[
        Path | None,
        Setting(
            "folder of the programs of the version to upgrade to, on the server's host", example="/usr/lib/postgresql/16/bin"
        ),
    ] = None
    rehearsals: Annotated[
        Path | None,
        Setting(
            "folder on the server's host with room for two copies of the cluster, for upgrade_rehearsal", example="/srv/scratch"
        ),
    ] = None
    compose: Annotated[
        Service | None, Setting("the service that runs the server; upgrade_check refuses an image of another major version")
    ] = None
    archive: Annotated[
        ArchiveSettings | None,
        Setting("where base backups and log are kept, for recovery to a point in time", example="{path: /backups/wal/db}"),
    ] = None
    connect_timeout: Annotated[Duration, Setting("how long connecting may take", ge=2, le=120, example="10s")] = Duration(10)
    statement_timeout: Annotated[Duration, Setting("how long one look may take", ge=1, example="1m")] = Duration(60)
    lock_timeout: Annotated[
        Duration,
        Setting("how long a statement may queue for a lock, keeping everybody behind it waiting", ge=0.01, example="100ms"),
    ] = Duration(0.1)
    explain: Annotated[
        bool,
        Setting("keep plans of the most expensive reading statements (version 16 and newer); planning may run their functions"),
    ] = False
    pooler: Annotated[
        Pooler | None, Setting("the PgBouncer in front of the database, which holds clients back during a swap")
    ] = None
    applications: Annotated[
        tuple[Application, ...],
        Setting(
            "roles of the applications, which read_only keeps from writing",
            example="[{role: shop, password: {file: /run/secrets/shop}}]",
        ),
    ] = ()
    amcheck: Annotated[Amcheck, Setting("how the task `amcheck` looks for damage")] = field(default_factory=Amcheck)
    limits: Annotated[Limits, Setting("what `check` finds too much")] = field(default_factory=Limits)
    counts: Annotated[Counting, Setting("tables whose rows are counted before and after")] = field(default_factory=Counting)
    orphans: Annotated[Orphans, Setting("rows that point to nothing")] = field(default_factory=Orphans)
    backup: Annotated[Backups, Setting("how it is dumped, and what a copy has to show")] = field(default_factory=Backups)

    def __post_init__(self) -> None:
        """Refuse a password in the connection string: it would be seen in plans, reports and the journal."""
        _refuse_password(self.dsn, self.dsn_inside)


def _refuse_password(*texts: str) -> None:
    for text in texts:
        named = re.search(r"(^|[\s?&;])password\s*=", text)
        if named or ("://" in text and urlsplit(text).password):
            raise ValueError("a connection string must not hold a password: write it to a file and use `password: {file: ...}`")
