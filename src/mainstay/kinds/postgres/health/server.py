"""Judge the server itself: how fast it answers, what it is, what it hides, and what it did since the previous look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from mainstay.kinds.postgres.health.facts import HealthFacts
from mainstay.kinds.postgres.statement import quoted
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Share, Size

# https://www.postgresql.org/support/versioning/
_LAST_DAY = {
    12: date(2024, 11, 21),
    13: date(2025, 11, 13),
    14: date(2026, 11, 12),
    15: date(2027, 11, 11),
    16: date(2028, 11, 9),
    17: date(2029, 11, 8),
    18: date(2030, 11, 14),
}
_DAMAGING = {
    range(140_000, 140_004): (
        "CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY may build damaged indexes",
        "update to 14.4 or newer, then run the task amcheck",  # https://www.postgresql.org/docs/release/14.4/
    )
}
_ENOUGH = 10_000  # pages read, below which their share says nothing
_CHECKPOINTS = 3


def judge_server(facts: HealthFacts) -> list[Finding]:
    """Judge the answer, the version, damage, what cannot be seen, and the counters."""
    return [
        _seen(facts),
        *_latency(facts),
        *_version(facts),
        *_damage(facts),
        *_hidden(facts),
        *_pending(facts),
        *_counters(facts),
    ]


def cache_hit(facts: HealthFacts) -> Share | None:
    """Return the share of pages found in shared buffers since the previous look; None when too few were read to say."""
    if not facts.before:
        return None
    hits, reads = facts.totals.hits - facts.before.hits, facts.totals.reads - facts.before.reads
    return Share(hits / (hits + reads)) if hits >= 0 and reads >= 0 and hits + reads >= _ENOUGH else None


def _seen(facts: HealthFacts) -> Finding:
    server, capacity = facts.server, facts.capacity
    role = "standby" if server.in_recovery else "primary"
    written = f"durable write {facts.probe.write}" if facts.probe.write is not None else "nothing written"
    why = f" ({facts.probe.untried})" if facts.probe.untried else ""
    used = f"{capacity.used} of {capacity.most - capacity.reserved} connections"
    return Finding(
        Level.OK,
        "server",
        because("seen", f"{server.version_text}, {role}, up {server.uptime}, {used}, read {facts.probe.read}, {written}{why}"),
    )


def _latency(facts: HealthFacts) -> Iterator[Finding]:
    limit = facts.settings.limits.latency
    for name, value in (("read", facts.probe.read), ("write", facts.probe.write)):
        if value is not None and value > limit:
            reason = because(f"{name}_latency", value, ">", limit, "limits.latency")
            yield Finding(Level.WARNING, "server", reason, "look at the disk, the network, the load, and who waits for locks")
    if facts.probe.failed:
        advice = "is the disk full? the server's log says more"
        yield Finding(Level.CRITICAL, "server", because("write", facts.probe.failed), advice)


def _version(facts: HealthFacts) -> Iterator[Finding]:
    server, today = facts.server, facts.at.date()
    ended = _LAST_DAY.get(server.major)
    if server.major < min(_LAST_DAY) or (ended and today > ended):
        reason = because("end of life", f"{ended}" if ended else "long ago")
        advice = f"version {server.major} gets no more fixes: plan the upgrade to a newer major version"
        yield Finding(Level.WARNING, "server", reason, advice)
    for versions, (harm, advice) in _DAMAGING.items():
        if server.version in versions:
            yield Finding(Level.WARNING, "server", because("version", f"{server.version_text}: {harm}"), advice)


def _damage(facts: HealthFacts) -> Iterator[Finding]:
    for one in facts.damaged:
        newest = f", the newest {one.newest} ago" if one.newest is not None else ""
        reason = because("checksum_failures", one.count, ">", 0)
        advice = f"pages are damaged{newest}: keep a copy of the data directory, restore a proven backup, test the disk"
        yield Finding(Level.CRITICAL, f"database {one.database}" if one.database else "shared catalogs", reason, advice)


def _hidden(facts: HealthFacts) -> Iterator[Finding]:
    server = facts.server
    if not (server.monitor or server.superuser):
        advice = f"sessions, replicas and the archive of others stay hidden: GRANT pg_monitor TO {quoted(server.role)}"
        yield Finding(Level.WARNING, f"role {server.role}", because("pg_monitor", "not granted"), advice)
    if unread := sum(facts.unreadable.values()):
        advice = f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA ... TO {quoted(server.role)}; from version 14 on pg_read_all_data"
        yield Finding(Level.WARNING, f"role {server.role}", because("sequences that cannot be read", unread), advice)
    for database, why in facts.unseen.items():
        yield Finding(Level.WARNING, f"database {database}", because("not looked into", why), "grant CONNECT, or see pg_hba.conf")
    for name, count in facts.unlisted.items():
        yield Finding(Level.OK, name, because("more than are listed", count))


def _pending(facts: HealthFacts) -> Iterator[Finding]:
    for one in facts.pending:
        advice = (
            f"the server still uses {one.current!r}: restart it in a window, before somebody is surprised by the next restart"
        )
        yield Finding(Level.WARNING, f"setting {one.name}", because("changed", "waits for a restart"), advice)


def _counters(facts: HealthFacts) -> Iterator[Finding]:
    """Judge what happened since the previous look; counters that went back were reset."""
    hit, limit, since = cache_hit(facts), facts.settings.limits.cache_hit, facts.since
    if not facts.before or since is None:
        return
    if hit is None:
        yield Finding(Level.OK, "cache", because("cache_hit", f"not known: too little was read in {since}"))
    elif hit < limit:
        advice = f"over {since}: more shared_buffers (the task tune), or fewer whole tables read (the task statements)"
        yield Finding(Level.WARNING, "cache", because("cache_hit", hit, "<", limit, "limits.cache_hit"), advice)
    else:
        yield Finding(Level.OK, "cache", because("cache_hit", hit, ">=", limit, "limits.cache_hit"))
    yield from _events(facts)


def _events(facts: HealthFacts) -> Iterator[Finding]:
    now, before = facts.totals, facts.before
    assert before
    deadlocks, requested, timed = now.deadlocks - before.deadlocks, now.requested - before.requested, now.timed - before.timed
    if deadlocks > 0:
        advice = f"in {facts.since}: the server's log has both statements; take locks in one order"
        yield Finding(Level.WARNING, "locks", because("deadlocks", deadlocks, ">", 0), advice)
    if requested > timed >= 0 and requested >= _CHECKPOINTS:
        advice = f"in {facts.since}, most by request: a larger max_wal_size spreads them (the task tune)"
        yield Finding(Level.WARNING, "checkpoints", because("requested", requested, ">", timed), advice)
    temporary = Size(now.temp_bytes - before.temp_bytes)
    if temporary > 0:
        written = f"{temporary} in {now.temp_files - before.temp_files:,} files over {facts.since}"
        yield Finding(Level.OK, "temporary files", because("written", written))
