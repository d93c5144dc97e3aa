"""Which tables need a VACUUM, how much, and why the others do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from mainstay.kinds.postgres.rows import Table
from mainstay.kinds.postgres.vacuum.horizon import Holder, keeps_dead, keeps_unfrozen
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Share


@dataclass(frozen=True)
class VacuumParams:
    """Which tables, when they are due, and how gently it is done."""

    scope: Annotated[Literal["changed", "all"], Setting("`changed`: what is due; `all`: every table with any change")] = "changed"
    table_bloat_threshold: Annotated[Share, Setting("dead share of a table's rows", ge=0, le=1, example="20%")] = Share(0.2)
    modified_share: Annotated[Share, Setting("share of rows changed since the last analyze", ge=0, le=1, example="20%")] = Share(
        0.2
    )
    min_dead: Annotated[int, Setting("fewer dead (or changed) rows are left to autovacuum", ge=0, example="1000")] = 1000
    freeze_age: Annotated[
        Share, Setting("age of the oldest row as a share of autovacuum_freeze_max_age, above which rows are frozen", ge=0)
    ] = Share(0.75)
    recent: Annotated[Duration, Setting("a table vacuumed no longer ago is left alone", ge=0, example="10m")] = Duration(600)
    analyze: Annotated[bool, Setting("update statistics in the same pass where rows have changed")] = True
    parallel: Annotated[int, Setting("workers for a table's indexes; 0 = none", ge=0, le=1024)] = 2
    cost_delay: Annotated[
        Duration, Setting("pause whenever cost_limit is used up; 0 = full speed", ge=0, le=0.1, example="2ms")
    ] = Duration(0.002)
    cost_limit: Annotated[int, Setting("work between two pauses (vacuum_cost_limit)", ge=1, le=10_000)] = 1000


@dataclass(frozen=True)
class Need:
    """Why a table is vacuumed, and how much that matters: freezing first, then what most rows depend on."""

    because: Because
    rank: tuple[int, float]
    freeze: bool = False


def need(table: Table, holders: tuple[Holder, ...], params: VacuumParams) -> Need | Because:
    """Return why a table is vacuumed, or why it is left alone."""
    return _unfit(table, params) or _freeze(table, holders, params) or _dead(table, holders, params) or _change(table, params)


def ages(tables: Iterable[Table], params: VacuumParams) -> Iterator[Finding]:
    """Say of each database how old the rows of its oldest table are."""
    oldest = {one.database: one for one in sorted(tables, key=frozen_share)}
    for database, table in sorted(oldest.items()):
        share = frozen_share(table)
        old = share > params.freeze_age
        why = because("freeze_age of its oldest table", share, ">" if old else "<=", params.freeze_age, "freeze_age")
        yield Finding(Level.WARNING if old else Level.OK, f"database {database}: {table.schema}.{table.name}", why)


def kept(tables: Iterable[Table], holders: tuple[Holder, ...], params: VacuumParams) -> Iterator[Finding]:
    """Say which dead rows no VACUUM can remove now, and because of whom."""
    for table in tables:
        holder = keeps_dead(table, holders)
        if holder and table.dead >= params.min_dead and table.dead_share > params.table_bloat_threshold:
            why = because(f"dead rows kept by {holder.who}", table.dead, ">=", params.min_dead, "min_dead")
            yield Finding(Level.WARNING, " ".join(table.on[1:]), why, "end that transaction, then vacuum again")


def frozen_share(table: Table) -> Share:
    """Return the age of a table's oldest row as a share of the age at which autovacuum freezes it by force."""
    return Share(table.xid_age / max(table.freeze_max_age, 1))


def _unfit(table: Table, params: VacuumParams) -> Because | None:
    """Say why a table cannot be vacuumed now, or was just now."""
    if not table.owned:
        return because("owner", table.owner)
    if table.busy:
        return because("under way", table.busy)
    if table.vacuumed is not None and table.vacuumed < params.recent:
        return because("vacuumed", table.vacuumed, "<", params.recent, "recent")
    return None


def _freeze(table: Table, holders: tuple[Holder, ...], params: VacuumParams) -> Need | Because | None:
    share = frozen_share(table)
    if share <= params.freeze_age:
        return None
    if holder := keeps_unfrozen(table, holders):
        return because("its oldest rows cannot be frozen because of", holder.who)
    return Need(because("freeze_age", share, ">", params.freeze_age, "freeze_age"), (0, -share), freeze=True)


def _dead(table: Table, holders: tuple[Holder, ...], params: VacuumParams) -> Need | Because | None:
    if table.dead < params.min_dead or table.dead_share <= params.table_bloat_threshold:
        return None
    if holder := keeps_dead(table, holders):
        return because(f"{table.dead:,} dead rows cannot be removed because of", holder.who)
    share, limit = table.dead_share, params.table_bloat_threshold
    return Need(because("dead_share", share, ">", limit, "table_bloat_threshold"), (1, -table.dead))


def _change(table: Table, params: VacuumParams) -> Need | Because:
    """Rows that changed without leaving many dead ones: the planner and index-only scans profit."""
    share = Share(min(1.0, table.modified / max(table.live, 1)))
    if table.modified >= params.min_dead and share > params.modified_share:
        return Need(because("modified_share", share, ">", params.modified_share, "modified_share"), (2, -table.modified))
    changed = table.dead + table.inserted + table.modified
    if params.scope == "changed":
        return because("dead_share", table.dead_share, "<=", params.table_bloat_threshold, "table_bloat_threshold")
    if table.vacuumed is None:
        return Need(because("vacuumed", "never"), (3, -changed))
    if changed:
        return Need(because("rows changed since it was vacuumed", changed, ">", 0), (3, -changed))
    return because("rows changed since it was vacuumed", 0)
