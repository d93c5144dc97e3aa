"""The state of indexes, and what a rebuild that did not finish has left of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.postgres.statement import statement
from mainstay.model.because import Because, because
from mainstay.model.plan import On
from mainstay.model.units import Size

if TYPE_CHECKING:
    from mainstay.kinds.postgres.acting import Act

DROP = statement("DROP INDEX CONCURRENTLY IF EXISTS {index}")
_BROKEN = range(140_000, 140_004)  # https://www.postgresql.org/docs/release/14.4/


@dataclass(frozen=True)
class Index:
    """An index of a table, or a partitioned index that is not valid."""

    sql: ClassVar[str] = "index_states"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    oid: int
    table: str
    method: str
    kind: str  # i index, I partitioned index
    owner: str
    owned: bool  # this role may maintain it
    system: bool  # of a system catalog
    size: Size
    filenode: int  # the file that holds it: another one after each rebuild
    definition: str  # "" while the table is locked
    valid: bool  # queries use it
    unique: bool
    exclusion: bool
    attached: bool  # a partition of a partitioned index
    identity: bool  # replicas find rows by it
    constraint: str  # a constraint that depends on it
    base: str  # the index of which an unfinished REINDEX CONCURRENTLY has left this copy
    busy: str  # who holds a lock that only one can hold
    collations: tuple[int, ...]  # that its order depends on

    @property
    def on(self) -> On:
        """Its structured id in plans."""
        return ("index", self.database, self.schema, self.name)


@dataclass(frozen=True)
class StaleCollation:
    """A collation whose order may have changed since it was recorded."""

    sql: ClassVar[str] = "stale_collations"
    extension: ClassVar[str] = ""

    database: str
    schema: str  # "" for the collation of the database itself
    name: str
    oid: int
    recorded: str
    actual: str
    owned: bool
    partitions: bool  # rows are in partitions by its order

    @property
    def on(self) -> On:
        """Its structured id in plans."""
        return ("collation", self.database, self.schema, self.name)


def named(indexes: Iterable[Index], on: On) -> Index | None:
    """Return one index by its structured id."""
    return next((one for one in indexes if one.on == on), None)


def copies(indexes: Iterable[Index], on: On) -> list[Index]:
    """Return what unfinished rebuilds have left of an index."""
    return [one for one in indexes if one.base and (*one.on[:3], one.base) == on]


def unfit(index: Index, version: int) -> Because | None:
    """Say why nothing can be done to an index concurrently, or not now."""
    if not index.owned:
        return because("owner", index.owner)
    if index.busy:
        return because("under way", index.busy)
    if version in _BROKEN:
        return because("concurrent builds can damage indexes before 14.4: server_version_num", version, "<", _BROKEN.stop)
    return because("concurrently impossible for an index of a system catalog", None) if index.system else None


def drop_copies(act: Act, on: On) -> None:
    """Drop what unfinished rebuilds have left of an index, unless somebody is at work on it."""
    for copy in copies(act.server.read(Index, on[1]), on):
        if not copy.busy:
            act.work(DROP, index=(copy.schema, copy.name))
