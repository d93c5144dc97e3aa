"""What is wrong with an archive, and to which moments it leads: pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mainstay.kinds.postgres.recovery.base import Result
from mainstay.kinds.postgres.recovery.chain import Chain, follow
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.units import Duration, Size

_BROKEN = "what was committed after it cannot be reached from this base: run the task base_backup now"
_RECEIVE = "start `mainstay wal receive`, and look at what it says"


def intervals(facts: ArchiveFacts) -> list[tuple[datetime, datetime]]:
    """Return the spans of time to whose moments a recovery can go, the oldest first, joined where they overlap."""
    spans: list[tuple[datetime, datetime]] = []
    for one in facts.bases:
        until = reach(facts, follow(facts.wal, one.base))
        if until is None or until < one.base.ended:
            continue
        if spans and spans[-1][1] >= one.base.ended:
            spans[-1] = (spans[-1][0], max(until, spans[-1][1]))
        else:
            spans.append((one.base.ended, until))
    return spans


def reach(facts: ArchiveFacts, chain: Chain) -> datetime | None:
    """Return the moment up to which a chain holds every commit."""
    return chain.until if chain.missing else facts.until


def shown(at: datetime) -> str:
    """Print a moment as --to-time takes it, and not rounded: the ends of a span are refused if they are."""
    return str(at)


def recoverable(facts: ArchiveFacts) -> str:
    """Print the moments to which a recovery can go."""
    return "; ".join(f"{shown(since)} to {shown(until)}" for since, until in intervals(facts)) or "none"


def practice(facts: ArchiveFacts) -> str:
    """Say how long a recovery took when it was last done for practice."""
    last = max(_proofs(facts), key=lambda one: one.at, default=None)
    return f"for practice it took {last.all}" if last else "never recovered for practice"


def _proofs(facts: ArchiveFacts) -> list[Result]:
    return [proof for one in facts.bases for proof in one.proofs]


def judge(facts: ArchiveFacts) -> list[Finding]:
    """Judge how the log comes in, what is there, and the room for more; then tell what can be reached."""
    if not facts.there:
        reason = because("there is no archive", str(facts.settings.path))
        return [Finding(Level.CRITICAL, "archive", reason, "mount its disk; the first time, start `mainstay wal receive`")]
    return [*_incoming(facts), *_lag(facts), *content(facts), *_ages(facts), *_room(facts), *_told(facts)]


def figures(facts: ArchiveFacts) -> Iterator[Figure]:
    """Yield RPO and RTO in seconds, how far the archive is behind, and its size."""
    settings = facts.settings
    if facts.rpo is not None:
        yield Figure("rpo", facts.rpo, "s", at_most=settings.max_rpo)
    if facts.lag is not None:
        yield Figure("archive lag", facts.lag, "B", at_most=settings.max_lag)
    if proofs := _proofs(facts):
        yield Figure("rto", max(proofs, key=lambda proof: proof.at).all, "s", at_most=settings.max_rto)
    yield Figure("archived log", facts.wal.stored, "B")
    yield Figure("base backups", sum(one.base.stored for one in facts.bases), "B")


def _incoming(facts: ArchiveFacts) -> Iterator[Finding]:
    if facts.source is None:
        yield Finding(
            Level.CRITICAL, "server", because("cannot be asked", facts.trouble), "mainstay restore --to-time needs no server"
        )
        return
    if facts.system and facts.system != facts.source.system:
        reason = because("the archive is of system", facts.system, "!=", facts.source.system)
        yield Finding(Level.CRITICAL, "archive", reason, "this is another cluster: give it an archive of its own")
    yield from _slot(facts) if facts.settings.slot else _pushed(facts)
    if facts.archiver and facts.archiver.failing:
        advice = "the server's log has the output of archive_command; pg_wal grows until it works"
        yield Finding(Level.CRITICAL, "archive_command", because("fails for", facts.archiver.last_failed), advice)


def _slot(facts: ArchiveFacts) -> Iterator[Finding]:
    on, reader = f"slot {facts.settings.slot}", facts.reader
    if reader is None:
        yield Finding(Level.CRITICAL, on, because("there is no such slot", None), _RECEIVE)
    elif reader.status == "lost":
        advice = "log is missing for good: `mainstay wal receive --from-now`, then run the task base_backup"
        yield Finding(Level.CRITICAL, on, because("wal_status", "lost"), advice)
    elif not reader.active:
        yield Finding(Level.CRITICAL, on, because("nobody receives", reader.status), _RECEIVE)
    elif reader.status == "unreserved":
        advice = "the next checkpoint may remove what it needs: is the receiver too slow, or max_slot_wal_keep_size too small?"
        yield Finding(Level.CRITICAL, on, because("wal_status", "unreserved"), advice)


def _pushed(facts: ArchiveFacts) -> Iterator[Finding]:
    assert facts.source
    if facts.source.archive_mode == "off":
        advice = "set archive_mode = on and archive_command, or `archive.slot` and start `mainstay wal receive`"
        yield Finding(Level.CRITICAL, "archive", because("nobody archives: archive_mode", "off"), advice)


def _lag(facts: ArchiveFacts) -> Iterator[Finding]:
    rpo, lag, limits = facts.rpo, facts.lag, facts.settings
    if rpo is not None and rpo > limits.max_rpo:
        advice = "so much would be lost with the server now; with archive_command, set archive_timeout"
        yield Finding(Level.CRITICAL, "archive", because("rpo", rpo, ">", limits.max_rpo, "archive.max_rpo"), advice)
    if lag is not None and lag > limits.max_lag:
        reason = because("behind the server", lag, ">", limits.max_lag, "archive.max_lag")
        yield Finding(Level.WARNING, "archive", reason, "look at the network, and at the disk of the archive")


def content(facts: ArchiveFacts) -> list[Finding]:
    """Judge what lies there: damage, gaps, strangers, and who may look."""
    return list(_content(facts))


def _content(facts: ArchiveFacts) -> Iterator[Finding]:
    for name in facts.damaged:
        yield Finding(Level.CRITICAL, "archive", because("damaged", name), _BROKEN)
    for one in facts.bases:
        if missing := follow(facts.wal, one.base).missing:
            yield Finding(Level.CRITICAL, f"base {one.base.id}", because("a segment is missing", missing), _BROKEN)
    for name in facts.strange:
        yield Finding(Level.WARNING, name, because("it is none of the archive's", None), "move it elsewhere")
    if facts.mode & 0o077:
        reason = because("mode of the folder", f"{facts.mode:04o}", "!=", "0700")
        yield Finding(Level.WARNING, "archive", reason, f"chmod 700 {facts.settings.path}")


def _ages(facts: ArchiveFacts) -> Iterator[Finding]:
    if not facts.bases:
        yield Finding(Level.CRITICAL, "archive", because("base backups", 0), "run the task base_backup")
        return
    limits = facts.settings
    age = Duration((facts.at - facts.bases[-1].base.ended).total_seconds())
    if age > limits.max_base_age:
        reason = because("age of the newest base backup", age, ">", limits.max_base_age, "archive.max_base_age")
        yield Finding(Level.WARNING, "archive", reason, "run the task base_backup: a recovery takes the longer the older it is")
    last = max(_proofs(facts), key=lambda one: one.at, default=None)
    if last is None:
        yield Finding(Level.WARNING, "archive", because("recoveries for practice", 0), "run the task prove_recovery")
        return
    age = Duration((facts.at - last.at).total_seconds())
    if age > limits.max_proof_age:
        reason = because("age of the newest recovery for practice", age, ">", limits.max_proof_age, "archive.max_proof_age")
        yield Finding(Level.WARNING, "archive", reason, "run the task prove_recovery")
    if limits.max_rto and last.all > limits.max_rto:
        reason = because("rto", last.all, ">", limits.max_rto, "archive.max_rto")
        yield Finding(Level.CRITICAL, "archive", reason, "take base backups more often: less log has to be replayed then")


def _room(facts: ArchiveFacts) -> Iterator[Finding]:
    places: tuple[tuple[str, Size | None], ...] = (("archive", facts.free), ("pg_wal", facts.pg_wal))
    for on, free in places:
        if free is not None and free < facts.settings.min_free:
            reason = because("free", free, "<", facts.settings.min_free, "archive.min_free")
            advice = (
                "the server stops when it is full: never delete in pg_wal, mend the archive"
                if on == "pg_wal"
                else "run archive_prune"
            )
            yield Finding(Level.CRITICAL, on, reason, advice)


def _told(facts: ArchiveFacts) -> Iterator[Finding]:
    if facts.bases and facts.rpo is not None:
        yield Finding(Level.OK, "recoverable", because(recoverable(facts), f"rpo {facts.rpo}"))
