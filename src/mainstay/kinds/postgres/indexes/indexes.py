"""Which indexes nobody uses, do another one's work or are invalid, and which are missing: found and explained, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres.indexes.use import IndexFacts, IndexUse, UnindexedKey, look_indexes
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Size


@dataclass(frozen=True)
class IndexParams:
    """What is worth a word."""

    observed: Annotated[Duration, Setting("how long an index must have been without use", ge=0, example="30d")] = Duration(
        30 * 86400
    )
    min_size: Annotated[
        Size, Setting("smaller indexes, and tables without an index for a foreign key, are left out", ge=0, example="1MB")
    ] = Size(1_000_000)


class Indexes(TaskKind[IndexFacts, IndexParams]):
    """Every finding has the statement that would change it; a person runs it."""

    name = "indexes"
    summary = "unused, duplicate, redundant and invalid indexes, and foreign keys without one"
    task_class = TaskClass.CHECK
    facts = IndexFacts
    params = IndexParams

    def observe(self, session: Session, on: On | None = None) -> IndexFacts:
        """Look at every database that is cared for."""
        return look_indexes(session)

    def assess(self, facts: IndexFacts, params: IndexParams) -> list[Finding]:
        """Invalid ones first, then what is missing, then what is too much."""
        large = [one for one in facts.indexes if one.size >= params.min_size]
        doubles = [one for one in large if one.twin and one.valid]
        kept = {(one.database, one.schema, one.twin) for one in doubles}
        unused = [one for one in large if one not in doubles and (one.database, one.schema, one.name) not in kept]
        return [
            *(_invalid(one) for one in facts.indexes if not one.valid and not one.building),
            *(_missing(one) for one in facts.keys if one.size >= params.min_size),
            *(_double(one) for one in doubles),
            *_unused(unused, facts, params),
            *_too_short(facts, params),
        ]


def _invalid(index: IndexUse) -> Finding:
    again = index.drop if index.twin or index.name.rstrip("0123456789").endswith(("_ccnew", "_ccold")) else index.rebuild
    reason = because("invalid: it costs every write and answers nothing", index.size)
    return Finding(Level.WARNING, index.shown, reason, again)


def _missing(key: UnindexedKey) -> Finding:
    reason = because(f"foreign key {key.name} ({key.columns}) to {key.refers_to} has no index; each delete there reads", key.size)
    first = "  -- on each partition CONCURRENTLY before that" if key.partitioned else ""
    return Finding(Level.WARNING, key.shown, reason, key.statement + first)


def _double(index: IndexUse) -> Finding:
    reason = because(f"{'duplicate of' if index.same else 'its columns are the first of'} {index.twin}", index.size)
    return Finding(Level.WARNING, index.shown, reason, index.drop)


def _unused(indexes: list[IndexUse], facts: IndexFacts, params: IndexParams) -> Iterator[Finding]:
    """Nothing is said of an index that keeps a rule, nor of one that was not watched for long enough."""
    for index in (one for one in indexes if one.valid and not one.needed):
        seen = facts.watched(index.database)
        idle = seen.age if index.scans == 0 else min(index.idle or 0, seen.age or 0)
        if idle is None or idle < params.observed:
            continue
        level = Level.OK if seen.standbys else Level.WARNING
        elsewhere = "look at its use on the standbys as well, then: " if seen.standbys else ""
        yield Finding(level, index.shown, _without_use(index, Duration(idle), params), elsewhere + index.drop)


def _without_use(index: IndexUse, idle: Duration, params: IndexParams) -> Because:
    return because(f"{index.size} without a scan for", idle, ">=", params.observed, "observed")


def _too_short(facts: IndexFacts, params: IndexParams) -> Iterator[Finding]:
    """Say where it is too early to call an index unused."""
    for one in facts.observed:
        if one.age is None or one.age < params.observed:
            reason = because("use counted for", one.age or Duration(0), "<", params.observed, "observed")
            yield Finding(Level.OK, f"database {one.database}", reason, "too early to tell which indexes are unused")
