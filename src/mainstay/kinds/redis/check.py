"""Is the server well, and would its data outlive it."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.redis.facts import Facts, look
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Share


class Check(TaskKind[Facts, NoParams]):
    """Ask the server once; no key is read."""

    name = "check"
    summary = "answer time, role, loading, saves to disk, AOF, memory against its limit, evictions, clients"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Ask for INFO, and for what is to be saved."""
        return look(session)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Compare with the setting `limits`; what is still loading is not judged further."""
        if facts.loading:
            return [Finding(Level.CRITICAL, facts.server, because("loading its data", True), "clients are refused meanwhile")]
        found = [*_answers(facts), *_saved(facts), *_log(facts), *_memory(facts), *_replication(facts)]
        return found or [_seen(facts)]

    def figures(self, facts: Facts) -> Iterator[Figure]:
        """Yield what is worth a history."""
        limits = facts.settings.limits
        yield Figure("answer time", facts.answer, "s", at_most=limits.latency)
        yield Figure("memory", facts.used, "B")
        yield Figure("keys", facts.keys)
        yield Figure("evicted keys", facts.evicted_anew)
        if facts.most:
            yield Figure("memory share", facts.used / facts.most, "share", at_most=limits.memory)


def _answers(facts: Facts) -> Iterator[Finding]:
    limits = facts.settings.limits
    if facts.answer > limits.latency:
        slow = because("answer", facts.answer, ">", limits.latency, "limits.latency")
        yield Finding(Level.WARNING, facts.server, slow, "SLOWLOG GET shows which commands block it")
    used = Share(facts.clients / facts.most_clients if facts.most_clients else 0)
    if used > limits.clients:
        many = because("clients", used, ">", limits.clients, "limits.clients")
        yield Finding(Level.WARNING, facts.server, many, f"{facts.clients:,} of {facts.most_clients:,}: CLIENT LIST shows whose")


def _saved(facts: Facts) -> Iterator[Finding]:
    saving, limit = facts.saving, facts.settings.limits.unsaved
    if not saving.sound:
        failed = because("rdb_last_bgsave_status", "err", "!=", "ok")
        advice = "the server's log says why: no room, or no memory to fork (vm.overcommit_memory)"
        yield Finding(Level.CRITICAL, facts.server, failed, advice)
    if saving.points == "" or not saving.last or not saving.changes:
        return
    age = Duration(max(0.0, (facts.at - saving.last).total_seconds()))
    if age > limit and not saving.aof:
        old = because("last save", age, ">", limit, "limits.unsaved")
        yield Finding(Level.WARNING, facts.server, old, f"{saving.changes:,} changes would be lost: look at `save`")


def _log(facts: Facts) -> Iterator[Finding]:
    if not facts.saving.aof_written:
        failed = because("aof_last_write_status", "err", "!=", "ok")
        yield Finding(Level.CRITICAL, facts.server, failed, "writes are refused: free room for appendonlydir")
    if not facts.saving.aof_rewritten:
        failed = because("aof_last_bgrewrite_status", "err", "!=", "ok")
        yield Finding(Level.WARNING, facts.server, failed, "the append-only file only grows now; the server's log says why")


def _memory(facts: Facts) -> Iterator[Finding]:
    limit, used = facts.settings.limits.memory, Share(facts.used / facts.most if facts.most else 0)
    if used > limit:
        level = Level.CRITICAL if facts.policy == "noeviction" else Level.WARNING
        what = "writes are refused when it is full" if facts.policy == "noeviction" else f"keys go by {facts.policy}"
        full = because("memory", used, ">", limit, "limits.memory")
        yield Finding(level, facts.server, full, f"{facts.used} of {facts.most}: {what}")
    if facts.evicted_anew:
        gone = because("keys evicted since the previous look", facts.evicted_anew, ">", 0)
        yield Finding(Level.WARNING, facts.server, gone, "right for a cache; else raise maxmemory, or set noeviction")


def _replication(facts: Facts) -> Iterator[Finding]:
    limit = facts.settings.limits.link
    if facts.role == "slave" and not facts.link and facts.link_lost > limit:
        lost = because("without its primary for", facts.link_lost, ">", limit, "limits.link")
        yield Finding(Level.CRITICAL, facts.server, lost, "its data are as old as that: look at the primary and the network")


def _seen(facts: Facts) -> Finding:
    role = "primary" if facts.role == "master" else "replica"
    last = (
        f"saved {facts.saving.last:%Y-%m-%d %H:%M} UTC" if facts.saving.last and facts.saving.points != "" else "no save points"
    )
    kept = "append-only file" if facts.saving.aof else last
    of = f" of {facts.most}" if facts.most else ", no limit"
    return Finding(Level.OK, facts.server, because("seen", f"{role}, {facts.keys:,} keys, {facts.used}{of}, {kept}"))
