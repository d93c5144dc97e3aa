"""What is known of a table and its indexes before anything is read closely, and what a close look shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mainstay.kinds.postgres.space.layout import Column
from mainstay.model.units import Size


@dataclass(frozen=True)
class TableShape:
    """A table or materialised view. `rows` is -1 when nobody has counted; a width or null share is None without statistics."""

    sql: ClassVar[str] = "shapes"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    oid: int
    owned: bool  # this role may maintain it
    heap: Size
    toast_oid: int  # 0 = it has none
    toast: Size
    toast_index: Size
    rows: float
    fillfactor: int
    attributes: int  # dropped ones included
    altered: bool  # columns were dropped, or added without a rewrite: stored rows are not what a rebuild writes
    lengths: tuple[int, ...]
    aligns: tuple[int, ...]
    widths: tuple[float | None, ...]
    nulls: tuple[float | None, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are still there, in their order."""
        return tuple(map(Column, self.lengths, self.aligns, self.widths, self.nulls))


@dataclass(frozen=True)
class IndexShape:
    """An index. `distincts` are numbers of values, or, when negative, shares of the rows, as pg_stats has them."""

    sql: ClassVar[str] = "index_shapes"
    extension: ClassVar[str] = ""

    table_oid: int
    schema: str
    name: str
    oid: int
    method: str
    size: Size
    valid: bool
    partial: bool
    rows: float
    fillfactor: int
    deduplicated: bool  # a rebuild stores equal keys once
    lengths: tuple[int, ...]
    aligns: tuple[int, ...]
    widths: tuple[float | None, ...]
    nulls: tuple[float | None, ...]
    distincts: tuple[float | None, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns and expressions in it."""
        return tuple(map(Column, self.lengths, self.aligns, self.widths, self.nulls))


@dataclass(frozen=True)
class HeapDensity:
    """What fills a table or TOAST table; bytes of rows that no one can see any more, and bytes that are free."""

    sql: ClassVar[str] = "heap_density"
    extension: ClassVar[str] = "pgstattuple"

    oid: int
    size: Size
    scanned: float  # percent of the pages that were read
    rows: float
    dead: float
    dead_length: Size
    free: Size


@dataclass(frozen=True)
class IndexDensity:
    """How full a b-tree's leaves are, in percent; NaN when it has none."""

    sql: ClassVar[str] = "index_density"
    extension: ClassVar[str] = "pgstattuple"

    oid: int
    leaves: int
    density: float


@dataclass(frozen=True)
class Measurable:
    """What is lacking for measuring, "" for nothing."""

    sql: ClassVar[str] = "measurable"
    extension: ClassVar[str] = ""

    lacking: str
