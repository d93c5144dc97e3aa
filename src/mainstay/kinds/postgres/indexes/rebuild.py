"""Which indexes are worth a rebuild, and why the others are not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.indexes.states import Index, StaleCollation, copies, unfit
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.space.estimate import look_bloat
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size
from mainstay.system import clock


@dataclass(frozen=True)
class ReindexParams:
    """When an index is worth a rebuild."""

    ratio: Annotated[float, Setting("size as a multiple of what a rebuild would leave", ge=1, example="2")] = 2.0
    min_waste: Annotated[Size, Setting("less than this is not worth it", ge=0, example="50MB")] = Size(50_000_000)
    max_time: Annotated[
        Duration, Setting("longest that one index may take, waiting for old transactions included", ge=1, example="4h")
    ] = Duration(14_400)


@dataclass(frozen=True)
class Waste:
    """What an index would be after a rebuild, measured or estimated; None where nobody can say."""

    database: str
    oid: int
    expected: Size | None
    measured: bool = False


@dataclass(frozen=True)
class RebuildFacts:
    """The indexes, what a rebuild would save, and the collations whose order has changed."""

    at: datetime
    settings: PostgresSettings
    server: Identity
    indexes: tuple[Index, ...]
    waste: tuple[Waste, ...] = ()
    collations: tuple[StaleCollation, ...] = ()


def look_indexes(session: Session, on: On | None) -> RebuildFacts:
    """Look at all indexes, or at one and the copies that rebuilds have left of it: then bloat is not looked for."""
    server, settings = session.connection, session.target.settings
    if on and on[0] == "collation":
        stale = tuple(one for one in server.read(StaleCollation, on[1]) if one.on == on)
        return RebuildFacts(clock.now(), settings, server.identity(), (), collations=stale)
    if on:
        seen = server.read(Index, on[1])
        found = (*(one for one in seen if one.on == on), *copies(seen, on))
        return RebuildFacts(clock.now(), settings, server.identity(), found)
    bloat = look_bloat(session)
    waste = tuple(
        Waste(table.database, index.oid, index.expected, index.measured) for table in bloat.tables for index in table.indexes
    )
    return RebuildFacts(
        clock.now(), settings, server.identity(), server.everywhere(Index), waste, server.everywhere(StaleCollation)
    )


def decide(facts: RebuildFacts, params: ReindexParams) -> list[Step | Skip]:
    """Return the leftovers to drop, the indexes to rebuild with most waste first, and what is left alone."""
    drops = [_drop(one, facts.server.version) for one in facts.indexes if one.base]
    judged = [(one, _worth(one, facts, params)) for one in facts.indexes if not one.base]
    worth = sorted((one for one in judged if one[1][0]), key=lambda one: -_saved(one[0], facts))
    rebuilt = [_rebuild(one, why, facts, params) for one, (_, why) in worth]
    recorded = [_record(one, facts, {step.on: step for step in rebuilt if isinstance(step, Step)}) for one in facts.collations]
    return [*drops, *rebuilt, *recorded, *(Skip(one.on, why) for one, (due, why) in judged if not due)]


def _drop(copy: Index, version: int) -> Step | Skip:
    if reason := unfit(copy, version):
        return Skip(copy.on, reason)
    why, args = because("left by an unfinished rebuild of", copy.base), {"oid": copy.oid, "definition": copy.definition}
    id = f"drop {' '.join(copy.on[1:])}"
    return Step(id, "drop_copy", copy.on, why, Impact.LOAD, Neutral(), args, deadline=Duration(3600))


def _rebuild(index: Index, why: Because, facts: RebuildFacts, params: ReindexParams) -> Step | Skip:
    if reason := _impossible(index) or unfit(index, facts.server.version):
        return Skip(index.on, reason)
    args = {"filenode": index.filenode, "definition": index.definition}
    id, cost = f"reindex {' '.join(index.on[1:])}", Cost(bytes=Size(index.size - _saved(index, facts)))
    return Step(id, "reindex", index.on, why, Impact.LOAD, Neutral(), args, deadline=params.max_time, cost=cost)


def _record(stale: StaleCollation, facts: RebuildFacts, planned: dict[On, Step]) -> Step | Skip:
    """Record the new version once every index in that order is rebuilt; until then it is found again."""
    users = [one.on for one in facts.indexes if one.database == stale.database and stale.oid in one.collations]
    missing = next((on for on in users if on not in planned), None)
    if not stale.owned:
        return Skip(stale.on, because("owner", "another role"))
    if stale.partitions:
        return Skip(stale.on, because("rows are in partitions by its order: see whether they still belong there", None))
    if missing:
        return Skip(stale.on, because("an index that is not rebuilt depends on it", missing[3]))
    needs = tuple(planned[on].id for on in users)
    id, why, args = f"record {'.'.join(filter(None, stale.on[1:]))}", changed_order(stale), {"version": stale.actual}
    return Step(id, "record", stale.on, why, Impact.NONE, Neutral(), args, needs, deadline=Duration(60))


def _impossible(index: Index) -> Because | None:
    """Say why PostgreSQL has no concurrent rebuild for an index."""
    if index.kind == "I":
        return because("a partitioned index: its partitions lack it, or have it invalid", None)
    if index.exclusion:
        return because("concurrently impossible for an exclusion constraint", index.constraint)
    if index.schema == "pg_toast" and not index.valid:
        return because("PostgreSQL rebuilds no invalid index of a TOAST table; rewrite the table", None)
    return None


def _worth(index: Index, facts: RebuildFacts, params: ReindexParams) -> tuple[bool, Because]:
    """Tell whether a rebuild is worth it, and why."""
    if not index.valid:
        return True, because("not valid: queries do not use it", None)
    stale = next((one for one in facts.collations if one.database == index.database and one.oid in index.collations), None)
    if stale:
        return True, changed_order(stale)
    expected = _expected(index, facts)
    if expected is None:
        return False, because(f"size after a rebuild unknown for {index.method}", None)
    ratio, waste = index.size / max(expected, 1), Size(index.size - expected)
    if ratio <= params.ratio:
        return False, because("ratio", ratio, "<=", params.ratio, "ratio")
    if waste < params.min_waste:
        return False, because("waste", waste, "<", params.min_waste, "min_waste")
    return True, because("ratio", ratio, ">", params.ratio, "ratio")


def changed_order(stale: StaleCollation) -> Because:
    """Say that an index may be in another order than queries expect."""
    return because(f"version of collation {stale.name}", stale.actual, "!=", stale.recorded)


def _expected(index: Index, facts: RebuildFacts) -> Size | None:
    known = (one.expected for one in facts.waste if one.database == index.database and one.oid == index.oid)
    return next(known, None)


def _saved(index: Index, facts: RebuildFacts) -> Size:
    return Size(max(0, index.size - (_expected(index, facts) or index.size)))
