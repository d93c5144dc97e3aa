"""Judge what happens to the write-ahead log: replicas, slots and the archive."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.postgres.health.facts import HealthFacts
from mainstay.kinds.postgres.health.rows import Slot
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Duration


def judge_wal(facts: HealthFacts) -> list[Finding]:
    """Judge replication in both directions, then slots, then the archive."""
    return [
        *_replicas(facts),
        *_standby(facts),
        *(found for slot in facts.slots for found in _slot(slot, facts)),
        *_archive(facts),
    ]


def lag(facts: HealthFacts) -> Duration | None:
    """Return how far the slowest replica, or this one, is behind; None when nobody replicates, or nobody can tell."""
    known = [one.lag for one in facts.replicas if one.lag is not None]
    if facts.standby and facts.standby.lag is not None:
        known.append(facts.standby.lag)
    return max(known, default=None)


def _replicas(facts: HealthFacts) -> Iterator[Finding]:
    limit = facts.settings.limits.replication_lag
    for one in facts.replicas:
        if one.lag is not None and one.lag > limit:
            reason = because("replication_lag", one.lag, ">", limit, "limits.replication_lag")
            advice = f"{one.behind} behind, {one.state}; look at its load, its disk and the network between"
            yield Finding(Level.WARNING, f"replica {one.application} ({one.client})", reason, advice)


def _standby(facts: HealthFacts) -> Iterator[Finding]:
    standby, limit = facts.standby, facts.settings.limits.replication_lag
    if standby is None:
        return
    if standby.streams and not standby.receiving:
        yield Finding(Level.WARNING, "standby", because("receives", "nothing"), "is the primary up, and primary_conninfo right?")
    if standby.paused:
        yield Finding(Level.WARNING, "standby", because("replay", "paused"), "SELECT pg_wal_replay_resume()")
    if standby.lag is not None and standby.lag > limit:
        reason = because("replication_lag", standby.lag, ">", limit, "limits.replication_lag")
        yield Finding(Level.WARNING, "standby", reason, "look for a long query here that replay waits for, and at the network")


def _slot(slot: Slot, facts: HealthFacts) -> Iterator[Finding]:
    on, limit = f"slot {slot.name}", facts.settings.limits.slot
    drop = f"SELECT pg_drop_replication_slot('{slot.name}') when nobody needs it any more"
    if slot.status == "lost":
        advice = f"its reader has to begin anew: the log that it needs was removed; {drop}"
        yield Finding(Level.CRITICAL, on, because("wal_status", "lost"), advice)
        return
    if slot.status == "unreserved":
        yield Finding(Level.CRITICAL, on, because("wal_status", "unreserved"), "the next checkpoint may remove what it needs")
    if slot.retained > limit:
        reason = because("retained", slot.retained, ">", limit, "limits.slot")
        yield Finding(Level.WARNING, on, reason, f"start or speed up its reader; {drop}")
    elif not slot.active:
        advice = f"it keeps {slot.retained} of log, and more with every write; start its reader; {drop}"
        yield Finding(Level.WARNING, on, because("active", "no reader"), advice)


def _archive(facts: HealthFacts) -> Iterator[Finding]:
    archiver, limit = facts.archiver, facts.settings.limits.archive
    if archiver.mode != "off" and not archiver.configured:
        advice = "log is kept without end: set archive_command or archive_library, or archive_mode = off and restart"
        yield Finding(Level.WARNING, "archive", because("archive_command", "empty"), advice)
    if not archiver.failing:
        return
    failing = _failing_for(facts)
    advice = f"{_queued(facts)}run the archive_command for it by hand; the server's log has its output"
    if failing > limit:
        reason = because("archive", failing, ">", limit, "limits.archive")
        yield Finding(Level.CRITICAL, "archive", reason, f"{archiver.last_failed} fails; {advice}")
    else:
        yield Finding(Level.WARNING, "archive", because("fails", archiver.last_failed), f"for {failing}; {advice}")


def _failing_for(facts: HealthFacts) -> Duration:
    """Return how long the oldest file has been waiting; where that cannot be seen, the time since one was archived."""
    if facts.queue and facts.queue.oldest is not None:
        return facts.queue.oldest
    return facts.archiver.archived_ago or facts.archiver.failed_ago or Duration(0)


def _queued(facts: HealthFacts) -> str:
    return f"{facts.queue.files} files wait; " if facts.queue else ""
