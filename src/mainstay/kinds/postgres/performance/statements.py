"""Which statements take the time of the server, and which have become slower."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres.performance import ranking
from mainstay.kinds.postgres.performance.counters import CountedBy, Counters, Counting, Known, Spent, remembered, spent
from mainstay.kinds.postgres.performance.ranking import StatementParams
from mainstay.kinds.postgres.performance.running import Running, Sampled, running, sampled
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.because import Finding
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock


@dataclass(frozen=True)
class StatementFacts:
    """What statements took since the previous look; without one, since the counters began (unknown before version 14).

    lacks     why nothing is counted: `library` not loaded, `extension` in no database that is cared for; then `sample` tells
    spent     those that lead in any order, the most expensive first; `total` and `calls` are of all that were counted
    evicted   how often statements were pushed out of the counters in the period
    plans     by the key of a statement, when `explain` is set
    """

    at: datetime
    settings: PostgresSettings
    server: Identity
    running: tuple[Running, ...]
    lacks: str = ""
    sample: Sampled | None = None
    period: Duration | None = None
    total: Duration = Duration(0)
    calls: int = 0
    spent: tuple[Spent, ...] = ()
    evicted: int = 0
    plans: dict[str, str] = field(default_factory=dict)
    clock: float = 0
    evictions: int = 0
    known: Known = field(default_factory=dict)


class Statements(TaskKind[StatementFacts, StatementParams]):
    """Counters of pg_stat_statements, compared with those of the previous look; without the extension, a sample."""

    name = "statements"
    summary = "slow statements: what takes the time, what became slower, what is running for long"
    task_class = TaskClass.CHECK
    facts = StatementFacts
    params = StatementParams

    def observe(self, session: Session, on: On | None = None) -> StatementFacts:
        """Read the counters, and look at what is running."""
        server = session.connection
        seen = StatementFacts(clock.now(), session.target.settings, server.identity(), running(server))
        where = [server.read(CountedBy, database)[0] for database in server.databases()]
        counted = next((one for one in where if one.installed and one.room), None)
        if counted is None:
            lacks = "extension" if where[0].room else "library"
            return replace(seen, lacks=lacks, sample=sampled(server))
        now, rows = server.read(Counting, counted.database)[0], server.read(Counters, counted.database)
        compared = _compared(seen, now, rows, session.last)
        return replace(compared, plans=_plans(session, counted.database, compared))

    def assess(self, facts: StatementFacts, params: StatementParams) -> list[Finding]:
        """Tell what is slow and what became slower, then what leads."""
        return [
            *ranking.hindrances(facts),
            *ranking.under_way(facts, params),
            *ranking.slow(facts, params),
            *ranking.slower(facts, params),
            *ranking.leading(facts, params),
        ]

    def figures(self, facts: StatementFacts) -> Iterable[Figure]:
        """The mean of all statements, and how many there are."""
        if facts.calls:
            yield Figure("statement mean", facts.total / facts.calls, "s", at_most=facts.settings.limits.latency)
        if facts.calls and facts.period:
            yield Figure("statements per second", facts.calls / facts.period)


def _compared(seen: StatementFacts, now: Counting, rows: tuple[Counters, ...], last: StatementFacts | None) -> StatementFacts:
    """Add what was spent since the last look."""
    before = last if last and last.clock else None
    known, looked = (before.known, before.clock) if before else ({}, 0.0)
    periods = spent(rows, known, looked, now.reset)
    since = looked or now.reset
    return replace(
        seen,
        period=Duration(now.clock - since) if since else None,
        total=Duration(sum(one.total for one in periods)),
        calls=sum(one.calls for one in periods),
        spent=ranking.leaders(periods),
        evicted=max(0, now.evicted - before.evictions) if before else 0,
        clock=now.clock,
        evictions=now.evicted,
        known=remembered(rows, periods, known),
    )


def _plans(session: Session, counted_in: str, facts: StatementFacts) -> dict[str, str]:
    if not facts.settings.explain or facts.server.major < 16:
        return {}
    from mainstay.kinds.postgres.performance.explain import explained

    return explained(session.connection, counted_in, facts.server, facts.spent[:5])
