"""What a query yields, as dataclasses: the columns of `sql/NAME.sql` are the fields of the class that names it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar, get_type_hints

from mainstay.model.units import Duration, Share, Size


class Row(Protocol):
    """A dataclass that one query fills. `extension` is what the query needs, "" for nothing."""

    sql: ClassVar[str]
    extension: ClassVar[str]


R = TypeVar("R", bound=Row)


def maker(row: type[R], columns: Sequence[str]) -> Callable[[Sequence[Any]], R]:
    """Return what turns one result row into the dataclass; seconds, bytes and shares get their unit from its fields."""
    convert = _converters(row)
    if tuple(columns) != tuple(convert):
        raise TypeError(f"sql/{row.sql}.sql yields {', '.join(columns)}; {row.__name__} has {', '.join(convert)}")
    return lambda values: row(*(turn(value) for turn, value in zip(convert.values(), values, strict=True)))


@cache
def _converters(row: type) -> dict[str, Callable[[Any], Any]]:
    hints = get_type_hints(row)
    return {one.name: _converter(hints[one.name]) for one in fields(row)}


def _converter(hint: Any) -> Callable[[Any], Any]:
    """A unit is applied, a list becomes a tuple, NULL stays None where the field allows it."""
    unit = next((unit for unit in (Duration, Size, Share) if hint in (unit, unit | None)), None)
    if unit:
        return lambda value: None if value is None else unit(value)
    return lambda value: tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Table:
    """One table, materialised view or TOAST-carrying relation with storage of its own, as statistics know it.

    Sizes are bytes on disk: `heap` without free space map and the like, `toast` with its index, `indexes` of the table itself.
    Ages are seconds; None = never since the statistics were reset. `rows` is the planner's estimate, -1 = never analyzed.
    """

    sql: ClassVar[str] = "tables"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    oid: int
    kind: str  # r table, m materialised view
    owner: str
    owned: bool  # this role may maintain it
    heap: Size
    toast: Size
    indexes: Size
    rows: float
    live: int
    dead: int
    modified: int  # rows changed since the last analyze
    inserted: int  # rows inserted since the last vacuum
    scans: int
    writes: int
    vacuumed: Duration | None
    analyzed: Duration | None
    busy: str  # the autovacuum or other maintenance command that works on it now
    xid_age: int
    mxid_age: int
    freeze_max_age: int
    dead_limit: float  # dead rows at which autovacuum starts
    fillfactor: int
    autovacuum: bool
    persistence: str  # p permanent, u unlogged

    @property
    def on(self) -> tuple[str, ...]:
        """Its structured id in plans."""
        return ("table", self.database, self.schema, self.name)

    @property
    def total(self) -> Size:
        """All bytes that it has on disk."""
        return Size(self.heap + self.toast + self.indexes)

    @property
    def dead_share(self) -> Share:
        """Dead rows as a part of all."""
        return Share(self.dead / max(self.live + self.dead, 1))


@dataclass(frozen=True)
class Progress:
    """How far a maintenance command is."""

    sql: ClassVar[str] = "progress"
    extension: ClassVar[str] = ""

    pid: int
    command: str
    phase: str
    done: int
    total: int
    unit: str


@dataclass(frozen=True)
class Database:
    """A database of the server; its size is 0 when this role may not connect to it."""

    sql: ClassVar[str] = "databases"
    extension: ClassVar[str] = ""

    name: str
    owner: str
    size: Size
    allowed: bool
    xid_age: int
    mxid_age: int


@dataclass(frozen=True)
class Identity:
    """The server's version and state, and what this role is there. `extensions` ("name version") are those of this database."""

    sql: ClassVar[str] = "server"
    extension: ClassVar[str] = ""

    version: int  # 150018
    version_text: str
    role: str
    database: str
    superuser: bool
    monitor: bool
    signals: bool
    in_recovery: bool
    checksums: bool
    uptime: Duration
    extensions: tuple[str, ...]

    @property
    def major(self) -> int:
        """13, 14, ..."""
        return self.version // 10_000

    def has(self, extension: str) -> bool:
        """Tell whether the connection's database has an extension."""
        return any(one.split()[0] == extension for one in self.extensions)
