"""Judge how near the server is to the end of its transaction numbers, and what keeps old rows from being frozen."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.postgres.health.facts import HealthFacts
from mainstay.kinds.postgres.health.rows import Age
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Share

_END = 2**31  # https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
Holder = tuple[int, str, str]  # age in transactions, who, what ends it


def judge_ages(facts: HealthFacts) -> list[Finding]:
    """Judge the age of every database, then prepared transactions."""
    return [finding for age in facts.ages for finding in _wraparound(age, facts)] + [*_prepared(facts)]


def oldest_share(facts: HealthFacts) -> Share:
    """Return the age of the oldest row as a share of what stops the server."""
    return Share(max((max(one.xids, one.mxids) for one in facts.ages), default=0) / _END)


def _wraparound(age: Age, facts: HealthFacts) -> Iterator[Finding]:
    limit = facts.settings.limits.wraparound
    holder = max(_holders(facts), default=None)
    for fact, value in (("wraparound", age.xids), ("multixact_wraparound", age.mxids)):
        share = Share(value / _END)
        if share <= limit:
            continue
        held = holder if fact == "wraparound" and holder and holder[0] / _END > limit else None
        hopeless = held is not None or not facts.regime.autovacuum
        level = Level.CRITICAL if share >= 2 * limit or hopeless else Level.WARNING
        advice = "; ".join(filter(None, (_oldest(age, fact, facts), _what_holds(held), _autovacuum(facts))))
        yield Finding(level, f"database {age.database}", because(fact, share, ">", limit, "limits.wraparound"), advice)


def _oldest(age: Age, fact: str, facts: HealthFacts) -> str:
    """Name the table that has to be frozen."""
    if not age.connectable:
        return f"nobody may connect to {age.database}: autovacuum alone can freeze it"
    tables = [one for one in facts.late if one.database == age.database]
    if not tables:
        return f"run the task vacuum there: name {age.database} in `databases`"
    worst = max(tables, key=lambda one: one.xids if fact == "wraparound" else one.mxids)
    old = worst.xids if fact == "wraparound" else worst.mxids
    return f"the oldest table is {worst.schema}.{worst.name} ({old:,}): run the task vacuum"


def _what_holds(held: Holder | None) -> str:
    return f"but nothing younger than {held[0]:,} can be frozen: {held[1]} holds it back; {held[2]}" if held else ""


def _autovacuum(facts: HealthFacts) -> str:
    return "" if facts.regime.autovacuum else "autovacuum is off: ALTER SYSTEM SET autovacuum = on"


def _holders(facts: HealthFacts) -> Iterator[Holder]:
    for one in facts.busy:
        if one.xids is not None and one.role != "replication":
            yield one.xids, f"process {one.pid} of {one.user} ({one.role})", f"SELECT pg_terminate_backend({one.pid})"
    for prepared in facts.prepared:
        yield prepared.xids, f"prepared transaction {prepared.gid!r}", _finish(prepared.gid)
    for slot in facts.slots:
        xids = max(slot.xids or 0, slot.catalog_xids or 0)
        if xids:
            yield xids, f"replication slot {slot.name}", "let its reader catch up, or drop the slot"
    for replica in facts.replicas:
        if replica.xids is not None:
            yield replica.xids, f"replica {replica.application}", "end its longest query (hot_standby_feedback is on)"


def _prepared(facts: HealthFacts) -> Iterator[Finding]:
    limit = facts.settings.limits.prepared
    for one in facts.prepared:
        if one.age > limit:
            reason = because("prepared", one.age, ">", limit, "limits.prepared")
            on = f"prepared transaction {one.gid}"
            yield Finding(
                Level.WARNING, on, reason, f"of {one.owner} in {one.database}: ask its transaction manager; {_finish(one.gid)}"
            )


def _finish(gid: str) -> str:
    text = gid.replace("'", "''")
    return f"COMMIT PREPARED '{text}' or ROLLBACK PREPARED '{text}'"
