"""Which tables are worth compacting, and by which way: the one that users notice least, with a reason against each better one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mainstay.kinds.postgres.compaction.compactable import Compactable, CompactFacts
from mainstay.kinds.postgres.space.estimate import TableBloat
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, Neutral, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size

_REPACK = 19  # the first version with REPACK (CONCURRENTLY)


@dataclass(frozen=True)
class CompactParams:
    """What is worth compacting, and by which way."""

    ratio: Annotated[float, Setting("size of table and TOAST as a multiple of what a rewrite would leave", ge=1, example="2")] = (
        2.0
    )
    min_waste: Annotated[Size, Setting("less than this is not worth it", ge=0, example="100MB")] = Size(100_000_000)
    strategy: Annotated[
        Literal["auto", "repack", "mover", "rewrite"],
        Setting(
            "`repack` (REPACK CONCURRENTLY or pg_repack), `mover`, `rewrite` (VACUUM FULL); `auto`: the first that is possible"
        ),
    ] = "auto"
    allow_downtime: Annotated[bool, Setting("`auto` may end with VACUUM FULL, which keeps everybody waiting")] = False
    published: Annotated[bool, Setting("move rows of published tables too, and send each move to the subscribers")] = False
    max_idle: Annotated[
        Duration, Setting("a transaction that has held the table for longer keeps us from starting", ge=0, example="1s")
    ] = Duration(1)
    patience: Annotated[Duration, Setting("how long to wait for other transactions before giving up", ge=0, example="10m")] = (
        Duration(600)
    )
    tries: Annotated[int, Setting("starts of pg_repack, each of which may lose a race for a lock", ge=1, example="8")] = 8
    max_time: Annotated[Duration, Setting("longest that one table may take, waiting included", ge=1, example="4h")] = Duration(
        14_400
    )


@dataclass(frozen=True)
class Subject:
    """One table with all that decides about it."""

    bloat: TableBloat
    table: Compactable
    facts: CompactFacts
    params: CompactParams

    @property
    def needed(self) -> Size:
        """The room that a second copy with its indexes takes, and as much again for the write-ahead log."""
        return Size(2 * self.bloat.rebuilt)


Reasons = Callable[[Subject], Iterator[Because]]


@dataclass(frozen=True)
class Strategy:
    """One way: its act, the value of the parameter `strategy` that asks for it, and every reason against it."""

    name: str
    action: str
    asked: str
    against: Reasons
    impact: Impact = Impact.LOAD

    def why_not(self, one: Subject) -> Because | None:
        """Return the first reason against it, None when it is open."""
        wanted = one.params.strategy
        if wanted not in ("auto", self.asked):
            return because("strategy", self.asked, "!=", wanted, "strategy")
        if not one.table.owned:
            return because("owner", one.table.owner)
        return next(self.against(one), None)


def _no_repack_command(one: Subject) -> Iterator[Because]:
    means = one.facts.allowed(one.table.database)
    if means.major < _REPACK:
        yield because("server version", means.major, "<", _REPACK)
    yield from _no_plain_table(one)
    if not one.table.identity:
        yield because("no index that replicas find rows by (REPLICA IDENTITY)", None)
    if means.wal_level == "minimal":
        yield because("wal_level", "minimal")
    yield from _no_room(one)


def _no_pg_repack(one: Subject) -> Iterator[Because]:
    means = one.facts.allowed(one.table.database)
    if not means.extension_version:
        yield because("the database lacks the extension", "pg_repack")
    if not one.facts.repack:
        yield because("not found where the server runs: the program", "pg_repack")
    if one.facts.repack != means.extension_version:
        yield because("version of the program pg_repack", one.facts.repack, "!=", means.extension_version)
    if not means.superuser:
        yield because("pg_repack needs a superuser; role", one.facts.server.role)
    yield from _no_plain_table(one)
    if not one.table.key:
        yield because("neither a primary key nor a unique index over columns that are NOT NULL", None)
    if one.table.repacking:
        yield because("under way", "pg_repack")
    yield from _no_room(one)


def _no_moves(one: Subject) -> Iterator[Because]:
    table, means = one.table, one.facts.allowed(one.table.database)
    if table.kind != "r" or table.system:
        yield because("rows cannot be moved in a", "system catalog" if table.system else "materialised view")
    if table.repacking:
        yield because("under way", "pg_repack")
    if not table.column:
        yield because("no column can be set to itself", None)
    if table.row_security:
        yield because("row security hides rows from role", one.facts.server.role)
    fires = table.fires_always if means.quiet else table.fires
    if fires:
        yield because("each move would set off", ", ".join(fires))
    if table.unproven:
        yield because("old rows may break a constraint that was never validated", ", ".join(table.unproven))
    if table.publications and not one.params.published:
        yield because("each move would be sent to subscribers of", ", ".join(table.publications))


def _no_rewrite(one: Subject) -> Iterator[Because]:
    if one.params.strategy != "rewrite" and not one.params.allow_downtime:
        yield because("it keeps everybody waiting: allow_downtime", False, "!=", True, "allow_downtime")
    yield from _no_room(one)


def _no_plain_table(one: Subject) -> Iterator[Because]:
    if one.table.kind != "r" or one.table.system:
        yield because("not possible for a", "system catalog" if one.table.system else "materialised view")
    if one.table.persistence != "p":
        yield because("not possible for an", "unlogged table")


def _no_room(one: Subject) -> Iterator[Because]:
    if one.facts.room is not None and one.facts.room < one.needed and not one.table.tablespace:
        yield because("free room", one.facts.room, "<", one.needed)


STRATEGIES = (
    Strategy("REPACK (CONCURRENTLY)", "repack_concurrently", "repack", _no_repack_command),
    Strategy("pg_repack", "repack", "repack", _no_pg_repack),
    Strategy("tuple mover", "move", "mover", _no_moves),
    Strategy("VACUUM FULL", "rewrite", "rewrite", _no_rewrite, Impact.DOWNTIME),
)


def decide(one: Subject) -> Iterator[Step | Skip]:
    """Return one step for a table that is worth it, and the reason against each better way; else why it is left alone."""
    if reason := _not_worth_it(one):
        yield Skip(one.bloat.on, reason)
        return
    for strategy in STRATEGIES:
        reason = strategy.why_not(one)
        if reason is None:
            yield _step(one, strategy)
            return
        yield Skip(("strategy", strategy.name, *one.bloat.on[1:]), reason)


def _not_worth_it(one: Subject) -> Because | None:
    bloat, params = one.bloat, one.params
    if bloat.heap_expected is None:
        return because("size after a rewrite unknown", bloat.lacking or "never analyzed")
    if bloat.ratio <= params.ratio:
        return because("ratio", bloat.ratio, "<=", params.ratio, "ratio")
    if bloat.waste < params.min_waste:
        return because("waste", bloat.waste, "<", params.min_waste, "min_waste")
    return None


def _step(one: Subject, strategy: Strategy) -> Step:
    table, params = one.table, one.params
    args = {
        "oid": table.oid,
        "filenode": table.filenode,
        "quoted": table.quoted,
        "column": table.column,
        "wide": list(table.wide),
        "arrays": list(table.arrays),
        "toast_index": table.toast_index,
        "quiet": one.facts.allowed(table.database).quiet,
        "waste": one.bloat.waste,
        "forecast": one.bloat.expected,
        "max_idle": params.max_idle,
        "patience": params.patience,
        "tries": params.tries,
    }
    id, why = f"compact {' '.join(table.on[1:])}", because("ratio", one.bloat.ratio, ">", params.ratio, "ratio")
    cost = Cost(bytes=one.needed if strategy.action != "move" else one.bloat.total)
    return Step(id, strategy.action, table.on, why, strategy.impact, Neutral(), args, deadline=params.max_time, cost=cost)
