"""Is the server well: everything that a DBA looks at each day, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.postgres.health.ages import judge_ages, oldest_share
from mainstay.kinds.postgres.health.facts import HealthFacts, look
from mainstay.kinds.postgres.health.objects import judge_objects
from mainstay.kinds.postgres.health.server import cache_hit, judge_server
from mainstay.kinds.postgres.health.sessions import judge_sessions
from mainstay.kinds.postgres.health.wal import judge_wal, lag
from mainstay.model.because import Finding
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass


class Check(TaskKind[HealthFacts, NoParams]):
    """Log in, read, write durably without a trace, and ask the statistics views; no table is read."""

    name = "check"
    summary = "latency, connections, transactions, locks, replication, archive, wraparound, sequences, indexes, autovacuum"
    task_class = TaskClass.CHECK
    facts = HealthFacts

    def observe(self, session: Session, on: On | None = None) -> HealthFacts:
        """Look at the server and at every database that is cared for."""
        return look(session)

    def assess(self, facts: HealthFacts, params: NoParams) -> list[Finding]:
        """Compare with the setting `limits`."""
        return [
            *judge_server(facts),
            *judge_sessions(facts),
            *judge_wal(facts),
            *judge_ages(facts),
            *judge_objects(facts),
        ]

    def figures(self, facts: HealthFacts) -> Iterator[Figure]:
        """Yield what is worth a history; what is not known leaves a gap."""
        limits = facts.settings.limits
        yield Figure("connections", facts.capacity.share, "share", at_most=limits.connections)
        yield Figure("wraparound", oldest_share(facts), "share", at_most=limits.wraparound)
        yield Figure("oldest transaction", max((one.transaction or 0.0 for one in facts.busy), default=0.0), "s")
        yield Figure("read latency", facts.probe.read, "s", at_most=limits.latency)
        if facts.probe.write is not None:
            yield Figure("write latency", facts.probe.write, "s", at_most=limits.latency)
        if (hit := cache_hit(facts)) is not None:
            yield Figure("cache hit", hit, "share", at_least=limits.cache_hit)
        if (behind := lag(facts)) is not None:
            yield Figure("replication lag", behind, "s", at_most=limits.replication_lag)
        yield from (Figure(f"database {one.name}", one.size, "B") for one in facts.databases if one.allowed)
