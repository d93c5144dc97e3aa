"""How large tables, TOAST tables and indexes are, and how large they would be after a rebuild.

Statistics tell it for every table and b-tree without reading any of them. What looks bloated by them, and what they do not know,
is then measured: pgstattuple_approx reads the pages that are not all visible, pgstatindex reads the index. Nothing is guessed:
where nobody can say, the expected size is None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.space import forecast
from mainstay.kinds.postgres.space.pages import PAGE
from mainstay.kinds.postgres.space.shape import HeapDensity, IndexDensity, IndexShape, Measurable, TableShape
from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.model.errors import DeadlinePassed
from mainstay.model.plan import On
from mainstay.model.units import Size
from mainstay.system import clock
from mainstay.system.clock import Deadline

_SUSPECT = 1.2  # times the expected size; statistics are off by less
_WORTH = 1 << 20  # bytes: what is smaller is measured only when it is asked for


@dataclass(frozen=True)
class IndexBloat:
    """An index, and its size after a rebuild; None where nobody can say. `measured`: it was read, not only estimated."""

    database: str
    schema: str
    name: str
    oid: int
    method: str
    size: Size
    expected: Size | None
    valid: bool
    measured: bool

    @property
    def on(self) -> On:
        """Its structured id."""
        return ("index", self.database, self.schema, self.name)

    @property
    def waste(self) -> Size:
        """Bytes that a rebuild would give back, as far as anybody can say."""
        return _waste(self.size, self.expected)

    @property
    def ratio(self) -> float:
        """Size as a multiple of the expected one; 1 when that is unknown."""
        return _ratio(self.size, self.expected)


@dataclass(frozen=True)
class TableBloat:
    """A table and its TOAST table (with its index), and their sizes after a rebuild; None where nobody can say.

    `measured`: the table was read, not only estimated; a TOAST table always is. `lacking` is what measuring would have needed.
    """

    database: str
    schema: str
    name: str
    oid: int
    owned: bool
    heap: Size
    heap_expected: Size | None
    toast: Size
    toast_expected: Size | None
    indexes: tuple[IndexBloat, ...]
    measured: bool
    lacking: str = ""

    @property
    def on(self) -> On:
        """Its structured id."""
        return ("table", self.database, self.schema, self.name)

    @property
    def size(self) -> Size:
        """Bytes of the table and its TOAST table."""
        return Size(self.heap + self.toast)

    @property
    def expected(self) -> Size:
        """The same after a rebuild; a part of which nobody can say stays as it is."""
        return Size(_known(self.heap, self.heap_expected) + _known(self.toast, self.toast_expected))

    @property
    def waste(self) -> Size:
        """Bytes that a rebuild of table and TOAST table would give back, as far as anybody can say."""
        return Size(_waste(self.heap, self.heap_expected) + _waste(self.toast, self.toast_expected))

    @property
    def ratio(self) -> float:
        """Size of table and TOAST table as a multiple of the expected one."""
        return _ratio(self.size, self.expected)

    @property
    def total(self) -> Size:
        """Bytes of everything: table, TOAST table and indexes."""
        return Size(self.size + sum(index.size for index in self.indexes))

    @property
    def rebuilt(self) -> Size:
        """The same after the table was rewritten with its indexes."""
        return Size(self.expected + sum(_known(index.size, index.expected) for index in self.indexes))


@dataclass(frozen=True)
class BloatFacts:
    """The tables of every database that is cared for; with `on`, one of them, and none when it is gone."""

    at: datetime
    settings: PostgresSettings
    server: Identity
    tables: tuple[TableBloat, ...]

    def table(self, on: On) -> TableBloat | None:
        """Return one table by its structured id."""
        return next((one for one in self.tables if one.on == on), None)

    @property
    def indexes(self) -> tuple[IndexBloat, ...]:
        """The indexes of all tables."""
        return tuple(index for table in self.tables for index in table.indexes)


def look_bloat(session: Session, on: On | None = None) -> BloatFacts:
    """Look at all tables with their indexes, or closely at the table that `on` names, or that has the index it names."""
    server = session.connection
    databases = (on[1],) if on else server.databases()
    tables = tuple(table for database in databases for table in _look(session, database, on))
    return BloatFacts(clock.now(), session.target.settings, server.identity(), tables)


def _look(session: Session, database: str, on: On | None) -> list[TableBloat]:
    """Screen one database, then measure what is suspect in it."""
    server = session.connection
    indexes: defaultdict[int, list[IndexShape]] = defaultdict(list)
    for index in server.read(IndexShape, database):
        indexes[index.table_oid].append(index)
    shapes = [one for one in server.read(TableShape, database) if _asked(one, indexes[one.oid], on)]
    lacking = server.read(Measurable, database)[0].lacking
    heaps, trees = ([], []) if lacking else _suspects(shapes, indexes, closely=on is not None)
    seen = _Seen(_measure(session, HeapDensity, database, heaps), _measure(session, IndexDensity, database, trees), lacking)
    return [_table(shape, indexes[shape.oid], seen) for shape in shapes]


def _asked(shape: TableShape, indexes: Iterable[IndexShape], on: On | None) -> bool:
    names = {("table", shape.schema, shape.name), *(("index", one.schema, one.name) for one in indexes)}
    return on is None or (on[0], *on[2:]) in names


D = TypeVar("D", HeapDensity, IndexDensity)


@dataclass(frozen=True)
class _Seen:
    """What was read closely, by oid."""

    heaps: dict[int, HeapDensity]
    trees: dict[int, IndexDensity]
    lacking: str


def _suspects(
    shapes: Sequence[TableShape], indexes: Mapping[int, Sequence[IndexShape]], *, closely: bool
) -> tuple[list[int], list[int]]:
    """Return the oids of tables and TOAST tables, and of b-trees, that are worth a close look."""

    def suspect(size: Size, expected: Size | None) -> bool:
        return size > 0 and (closely or (size >= _WORTH and (expected is None or size > _SUSPECT * expected)))

    heaps = [one.oid for one in shapes if suspect(one.heap, forecast.heap(one, None))]
    toasts = [one.toast_oid for one in shapes if suspect(one.toast, None)]
    trees = [(shape.rows, one) for shape in shapes for one in indexes[shape.oid] if one.method == "btree" and one.valid]
    return heaps + toasts, [one.oid for rows, one in trees if suspect(one.size, forecast.least(one, rows))]


def _measure(session: Session, row: type[D], database: str, oids: Sequence[int]) -> dict[int, D]:
    """Read relations closely, one by one; what is locked, or takes longer than a look may, stays unmeasured."""
    found: dict[int, D] = {}
    for number, oid in enumerate(oids):
        session.pulse(Deadline(session.target.settings.statement_timeout))
        session.progress(number, len(oids), "relations")
        try:
            found.update((one.oid, one) for one in session.connection.read(row, database, [oid]))
        except (DeadlinePassed, LockNotAvailable):
            continue
    return found


def _table(shape: TableShape, indexes: Iterable[IndexShape], seen: _Seen) -> TableBloat:
    close = seen.heaps.get(shape.oid)
    return TableBloat(
        database=shape.database,
        schema=shape.schema,
        name=shape.name,
        oid=shape.oid,
        owned=shape.owned,
        heap=shape.heap,
        heap_expected=forecast.heap(shape, close),
        toast=Size(shape.toast + shape.toast_index),
        toast_expected=forecast.toast(shape, seen.heaps.get(shape.toast_oid)),
        indexes=tuple(_index(shape, index, close, seen.trees.get(index.oid)) for index in indexes),
        measured=close is not None,
        lacking=seen.lacking,
    )


def _index(table: TableShape, shape: IndexShape, heap: HeapDensity | None, close: IndexDensity | None) -> IndexBloat:
    rows, dead = (heap.rows, heap.dead) if heap else (table.rows, 0)
    return IndexBloat(
        database=table.database,
        schema=shape.schema,
        name=shape.name,
        oid=shape.oid,
        method=shape.method,
        size=shape.size,
        expected=forecast.index(shape, rows, dead / max(rows + dead, 1), close),
        valid=shape.valid,
        measured=close is not None,
    )


def _known(size: Size, expected: Size | None) -> Size:
    return size if expected is None else expected


def _waste(size: Size, expected: Size | None) -> Size:
    return Size(max(0, size - _known(size, expected)))


def _ratio(size: Size, expected: Size | None) -> float:
    return size / max(_known(size, expected), PAGE) if size else 1.0
