"""What indexes are used for, and what is missing, database by database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.units import Duration, Size
from mainstay.system import clock

MOST = 100  # rows of each list that are kept, the largest first


@dataclass(frozen=True)
class Observed:
    """For how long the use of a database's tables and indexes has been counted; None where nobody knows."""

    sql: ClassVar[str] = "observed"
    extension: ClassVar[str] = ""

    database: str
    age: Duration | None
    standbys: int  # their use of an index is counted there, not here


@dataclass(frozen=True)
class IndexUse:
    """One index. `twin` is another one that answers all that this one does: with the `same` columns, or with more behind them."""

    sql: ClassVar[str] = "index_use"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    table: str
    name: str
    size: Size
    scans: int
    idle: Duration | None  # since it was last used; None when that is not known (before 16) or never happened
    valid: bool
    building: bool
    needed: str  # why it may not go even when no query uses it, "" when it may
    twin: str
    same: bool
    drop: str
    rebuild: str

    @property
    def shown(self) -> str:
        """Its name for people."""
        return f"index {self.database} {self.schema}.{self.name}"


@dataclass(frozen=True)
class UnindexedKey:
    """A foreign key whose columns no index begins with."""

    sql: ClassVar[str] = "unindexed_keys"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    table: str
    name: str
    columns: str
    refers_to: str
    size: Size  # of the table that refers
    statement: str
    partitioned: bool

    @property
    def shown(self) -> str:
        """Its table's name for people."""
        return f"table {self.database} {self.schema}.{self.table}"


@dataclass(frozen=True)
class IndexFacts:
    """Indexes that somebody may want to do without, and those that are missing."""

    at: datetime
    settings: PostgresSettings
    observed: tuple[Observed, ...]
    indexes: tuple[IndexUse, ...]
    keys: tuple[UnindexedKey, ...]

    def watched(self, database: str) -> Observed:
        """Return for how long a database was observed."""
        return next(one for one in self.observed if one.database == database)


def look_indexes(session: Session) -> IndexFacts:
    """Look at the indexes of every database; those that are plainly in use are left out."""
    server = session.connection
    doubtful = (one for one in server.everywhere(IndexUse) if not one.valid or one.twin or not one.scans or one.idle)
    return IndexFacts(
        clock.now(),
        session.target.settings,
        server.everywhere(Observed),
        tuple(sorted(doubtful, key=lambda one: -one.size))[:MOST],
        tuple(sorted(server.everywhere(UnindexedKey), key=lambda one: -one.size))[:MOST],
    )
