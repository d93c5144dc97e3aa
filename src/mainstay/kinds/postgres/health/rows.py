"""What the queries of a health check yield. Ages are seconds, computed by the server, or transactions (xids, mxids)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mainstay.model.units import Duration, Share, Size


@dataclass(frozen=True)
class Capacity:
    """Client connections: how many, and how many there may be. `hidden` are those whose state this role may not see."""

    sql: ClassVar[str] = "capacity"
    extension: ClassVar[str] = ""

    most: int
    reserved: int  # for superusers and other privileged roles
    used: int
    active: int
    idle: int
    idle_in_transaction: int
    hidden: int

    @property
    def share(self) -> Share:
        """The used part of what applications may use."""
        return Share(self.used / max(self.most - self.reserved, 1))


@dataclass(frozen=True)
class Connections:
    """Client connections of one kind."""

    sql: ClassVar[str] = "connections"
    extension: ClassVar[str] = ""

    database: str
    user: str
    application: str
    state: str
    count: int
    oldest: Duration | None = None  # since the least recently used one was used


@dataclass(frozen=True)
class Busy:
    """A session with a statement or a transaction. `role` is `client`, or why it must be left alone."""

    sql: ClassVar[str] = "sessions"
    extension: ClassVar[str] = ""

    pid: int
    database: str
    user: str
    application: str
    state: str
    wait: str
    role: str
    transaction: Duration | None = None
    statement: Duration | None = None
    idle: Duration | None = None  # in transaction
    xids: int | None = None  # age of the oldest transaction whose rows it may still see
    query: str = ""


@dataclass(frozen=True)
class Waiter:
    """A session that waits for a lock, or is waited for (`waited` is None then); 0 stands for prepared transactions."""

    sql: ClassVar[str] = "lock_waits"
    extension: ClassVar[str] = ""

    pid: int
    blockers: tuple[int, ...]
    waited: Duration | None
    database: str
    user: str
    application: str
    state: str
    query: str


@dataclass(frozen=True)
class Totals:
    """Counters of the whole server since they were reset."""

    sql: ClassVar[str] = "activity_totals"
    extension: ClassVar[str] = ""

    hits: int  # pages found in shared buffers
    reads: int  # pages that were not
    temp_files: int
    temp_bytes: Size
    deadlocks: int
    timed: int  # checkpoints
    requested: int


@dataclass(frozen=True)
class ChecksumFailures:
    """Damaged pages of one database."""

    sql: ClassVar[str] = "checksum_failures"
    extension: ClassVar[str] = ""

    database: str
    count: int
    newest: Duration | None = None


@dataclass(frozen=True)
class Replica:
    """A reader of the write-ahead log; what this role may not see is None."""

    sql: ClassVar[str] = "replicas"
    extension: ClassVar[str] = ""

    pid: int
    application: str
    client: str
    state: str
    sync: str
    lag: Duration | None = None
    behind: Size | None = None
    xids: int | None = None


@dataclass(frozen=True)
class Standby:
    """The server, when it is a standby. `streams`: it is told to follow a primary directly, as far as this role can see."""

    sql: ClassVar[str] = "standby"
    extension: ClassVar[str] = ""

    receiving: bool
    streams: bool
    paused: bool
    lag: Duration | None = None


@dataclass(frozen=True)
class Slot:
    """A replication slot."""

    sql: ClassVar[str] = "slots"
    extension: ClassVar[str] = ""

    name: str
    type: str
    database: str
    active: bool
    status: str  # reserved, extended, unreserved, lost
    retained: Size
    xids: int | None = None
    catalog_xids: int | None = None


@dataclass(frozen=True)
class Archiver:
    """The archiving of the write-ahead log."""

    sql: ClassVar[str] = "archiver"
    extension: ClassVar[str] = ""

    mode: str
    configured: bool
    archived: int
    failed: int
    last_archived: str
    last_failed: str
    archived_ago: Duration | None = None
    failed_ago: Duration | None = None

    @property
    def failing(self) -> bool:
        """True while the newest attempt is one that failed."""
        if self.mode == "off" or self.failed_ago is None:
            return False
        return self.archived_ago is None or self.failed_ago < self.archived_ago


@dataclass(frozen=True)
class ArchiveQueue:
    """Finished files of the write-ahead log that are not yet archived."""

    sql: ClassVar[str] = "archive_queue"
    extension: ClassVar[str] = ""

    files: int
    oldest: Duration | None = None


@dataclass(frozen=True)
class Age:
    """How old the oldest row of a database is."""

    sql: ClassVar[str] = "ages"
    extension: ClassVar[str] = ""

    database: str
    xids: int
    mxids: int
    connectable: bool


@dataclass(frozen=True)
class Prepared:
    """A prepared transaction."""

    sql: ClassVar[str] = "prepared"
    extension: ClassVar[str] = ""

    gid: str
    database: str
    owner: str
    age: Duration
    xids: int


@dataclass(frozen=True)
class Sequence:
    """A sequence and the column that it fills, "" when it fills none. `last` is the last value that both can hold."""

    sql: ClassVar[str] = "sequences"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    table_schema: str
    table: str
    column: str
    type: str
    unreadable: int  # sequences of this database whose value this role may not see
    value: int
    last: int
    used: Share


@dataclass(frozen=True)
class InvalidIndex:
    """An index that no query uses; `builder` is the process that builds it now, or 0."""

    sql: ClassVar[str] = "invalid_indexes"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    table: str
    partitioned: bool
    size: Size
    builder: int


@dataclass(frozen=True)
class LateTable:
    """A table that autovacuum should have cleaned (`dead` > `starts`), or the one with the oldest rows of its database."""

    sql: ClassVar[str] = "late_tables"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    dead: int
    starts: float
    autovacuum: bool
    xids: int
    mxids: int
    vacuumed: Duration | None = None


@dataclass(frozen=True)
class PendingSetting:
    """A setting that waits for a restart, with its present value."""

    sql: ClassVar[str] = "pending_settings"
    extension: ClassVar[str] = ""

    name: str
    current: str


@dataclass(frozen=True)
class Regime:
    """How autovacuum is set up."""

    sql: ClassVar[str] = "regime"
    extension: ClassVar[str] = ""

    autovacuum: bool
    counted: bool  # track_counts, without which autovacuum knows nothing
    freeze_max_age: int
    multixact_freeze_max_age: int
