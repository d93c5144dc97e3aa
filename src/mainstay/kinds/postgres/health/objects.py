"""Judge what wears out inside databases: sequences, indexes that nobody can use, tables that autovacuum does not get to."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.postgres.health.facts import HealthFacts
from mainstay.kinds.postgres.health.rows import InvalidIndex, LateTable, Sequence
from mainstay.kinds.postgres.statement import quoted
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Share

_LAST = Share(0.95)


def judge_objects(facts: HealthFacts) -> list[Finding]:
    """Judge sequences, invalid indexes and autovacuum."""
    return [*_sequences(facts), *_indexes(facts), *_regime(facts), *_late(facts)]


def _sequences(facts: HealthFacts) -> Iterator[Finding]:
    limit = facts.settings.limits.sequence
    for one in facts.sequences:
        if one.used > limit:
            level = Level.CRITICAL if one.used >= _LAST else Level.WARNING
            on = f"sequence {one.database} {one.schema}.{one.name}"
            yield Finding(level, on, because("sequence", one.used, ">", limit, "limits.sequence"), _more_room(one))


def _more_room(one: Sequence) -> str:
    at = f"{one.value:,} of {one.last:,}"
    sequence = quoted(one.schema, one.name)
    if one.type in ("smallint", "integer"):
        table, column = quoted(one.table_schema, one.table), quoted(one.column)
        return (
            f"{at}, {one.type}: ALTER TABLE {table} ALTER COLUMN {column} TYPE bigint and ALTER SEQUENCE {sequence} AS bigint;"
            " the first rewrites the table under a lock: plan it, with the columns that refer to it"
        )
    return f"{at}: ALTER SEQUENCE {sequence} with a larger MAXVALUE, after its type (AS bigint)"


def _indexes(facts: HealthFacts) -> Iterator[Finding]:
    for one in facts.invalid:
        if not one.builder:
            on = f"index {one.database} {one.schema}.{one.name}"
            yield Finding(Level.WARNING, on, because("valid", "no"), f"of {one.schema}.{one.table}: {_rebuilt(one)}")


def _rebuilt(one: InvalidIndex) -> str:
    index = quoted(one.schema, one.name)
    if one.partitioned:
        return f"ALTER INDEX {index} ATTACH PARTITION, for each partition that has none"
    return f"no query uses its {one.size}: run the task drop_invalid_indexes, or REINDEX INDEX CONCURRENTLY {index}"


def _regime(facts: HealthFacts) -> Iterator[Finding]:
    for name, on in (("autovacuum", facts.regime.autovacuum), ("track_counts", facts.regime.counted)):
        if not on:
            yield Finding(
                Level.WARNING, "autovacuum", because(name, "off"), f"ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()"
            )


def _late(facts: HealthFacts) -> Iterator[Finding]:
    limit = facts.settings.limits.autovacuum
    for one in facts.late:
        times = one.dead / max(one.starts, 1)
        if times > limit:
            reason = because("dead_rows as a multiple of autovacuum's", times, ">", limit, "limits.autovacuum")
            yield Finding(Level.WARNING, f"table {one.database} {one.schema}.{one.name}", reason, _why_late(one))


def _why_late(one: LateTable) -> str:
    vacuumed = f"vacuumed {one.vacuumed} ago" if one.vacuumed is not None else "never vacuumed"
    off = "autovacuum is switched off for it; " if not one.autovacuum else ""
    return f"{one.dead:,} dead rows, {vacuumed}; {off}run the task vacuum; look for an old transaction that keeps them"
