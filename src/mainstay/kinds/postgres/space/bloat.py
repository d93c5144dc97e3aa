"""What takes more room than a rebuild would leave it, and what is largest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres.space.estimate import BloatFacts, IndexBloat, TableBloat, look_bloat
from mainstay.kinds.postgres.statement import quoted
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import Impact, On, shown
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Size

_SHOWN, _REMEMBERED = 10, 50  # of the largest relations: findings, and histories


@dataclass(frozen=True)
class BloatParams:
    """How much waste is too much."""

    ratio: Annotated[float, Setting("size as a multiple of what a rebuild would leave", ge=1.2, example="2")] = 2.0
    min_waste: Annotated[Size, Setting("less waste than this is let pass", ge=0, example="100MB")] = Size(100_000_000)


@dataclass(frozen=True)
class Part:
    """A table's heap, its TOAST table, or one of its indexes; `remedy` lets its expected size be known, "" when nothing does."""

    kind: str
    on: On
    size: Size
    expected: Size | None
    remedy: str

    @property
    def name(self) -> str:
        """Its name in histories."""
        return f"{self.kind} {'.'.join(self.on[1:])}"


class Bloat(TaskKind[BloatFacts, BloatParams]):
    """Every table and index by statistics, the suspects by reading them; TOAST apart. It changes nothing."""

    name = "bloat"
    summary = "tables and indexes that are larger than they need to be, and the ten largest"
    task_class = TaskClass.CHECK
    impact = Impact.LOAD
    facts = BloatFacts
    params = BloatParams

    def observe(self, session: Session, on: On | None = None) -> BloatFacts:
        """Estimate all sizes after a rebuild, and measure where it matters."""
        return look_bloat(session, on)

    def assess(self, facts: BloatFacts, params: BloatParams) -> list[Finding]:
        """Name what is bloated, what nobody can judge, and what is largest."""
        tables = sorted(facts.tables, key=lambda one: -one.waste)
        indexes = sorted(facts.indexes, key=lambda one: -one.waste)
        bloated = [_table(one, params) for one in tables if _excessive(one, params)]
        bloated += [_index(one, params) for one in indexes if _excessive(one, params)]
        return [*bloated, *_unknown(facts, params), *map(_large, _largest(facts)[:_SHOWN])]

    def figures(self, facts: BloatFacts) -> Iterable[Figure]:
        """Return size and waste of the largest relations."""
        for part in _largest(facts)[:_REMEMBERED]:
            yield Figure(part.name, part.size, "B")
            if part.expected is not None:
                yield Figure(f"waste of {part.name}", max(0, part.size - part.expected), "B")


def _excessive(one: TableBloat | IndexBloat, params: BloatParams) -> bool:
    return one.ratio > params.ratio and one.waste >= params.min_waste


def _table(one: TableBloat, params: BloatParams) -> Finding:
    rewrite = f"VACUUM FULL {quoted(one.schema, one.name)}"
    advice = f"run the task compact; or, where nobody reads or writes it meanwhile, {rewrite}"
    return _finding(one, one.expected, params, advice if one.schema != "pg_catalog" else f"when nobody works: {rewrite}")


def _index(one: IndexBloat, params: BloatParams) -> Finding:
    advice = f"run the task reindex, or REINDEX INDEX CONCURRENTLY {quoted(one.schema, one.name)}"
    return _finding(one, one.expected, params, advice)


def _finding(one: TableBloat | IndexBloat, expected: Size | None, params: BloatParams, advice: str) -> Finding:
    how = "measured" if one.measured else "by statistics"
    reason = because(f"{one.size}, {expected} after a rebuild ({how}): ratio", one.ratio, ">", params.ratio, "ratio")
    return Finding(Level.WARNING, shown(one.on), reason, advice)


def _unknown(facts: BloatFacts, params: BloatParams) -> Iterator[Finding]:
    """Yield what is large enough to matter, and of which nobody can say yet how large it should be."""
    for part in _largest(facts):
        if part.expected is None and part.remedy and part.size >= params.min_waste:
            reason = because(f"{part.kind} of {part.size}, after a rebuild", "unknown")
            yield Finding(Level.WARNING, shown(part.on), reason, part.remedy)


def _large(part: Part) -> Finding:
    return Finding(Level.OK, shown(part.on), because(part.kind, part.size))


def _largest(facts: BloatFacts) -> list[Part]:
    return sorted((part for table in facts.tables for part in _parts(table)), key=lambda one: -one.size)


def _parts(table: TableBloat) -> Iterator[Part]:
    read = f"lacking: {table.lacking}" if table.lacking else "try again when nobody has it locked, or raise statement_timeout"
    count = f"ANALYZE {quoted(table.schema, table.name)}; statistics are shown to roles that may read the table"
    yield Part("heap", table.on, table.heap, table.heap_expected, count)
    if table.toast:
        yield Part("toast", table.on, table.toast, table.toast_expected, read)
    for one in table.indexes:
        yield Part("index", one.on, one.size, one.expected, count if one.method == "btree" else "")
