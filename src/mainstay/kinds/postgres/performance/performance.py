"""The performance report: what the server did since the last one, compared with what it does usually."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres.performance import work
from mainstay.kinds.postgres.performance.running import Sampled, sampled
from mainstay.kinds.postgres.performance.verdicts import PerformanceParams, findings
from mainstay.kinds.postgres.performance.work import Scans, Totals, Work
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.because import Finding
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock

if TYPE_CHECKING:
    from mainstay.kinds.postgres.server import Server

_WEEKS = timedelta(weeks=5)
_ENOUGH = 3  # earlier values, before their median is what is usual
_TRIES = 11  # of a round trip


@dataclass(frozen=True)
class PerformanceFacts:
    """What was done since the previous look, and how that compares.

    done    None at the first look, which can only begin to count
    before  what was done in the period before; usual: the median of five weeks of each rate, where there are enough
    tables  how those that are read most were read in the period
    """

    at: datetime
    settings: PostgresSettings
    server: Identity
    latency: Duration
    sample: Sampled
    totals: Totals
    counters: tuple[Scans, ...]
    done: Work | None = None
    before: Work | None = None
    usual: dict[str, float] = field(default_factory=dict)
    tables: tuple[Scans, ...] = ()


class Performance(TaskKind[PerformanceFacts, PerformanceParams]):
    """Counters of the statistics views from one look to the next; the longer the period, the more it says."""

    name = "performance"
    summary = "what the server did since the last report, compared with the period before and with what is usual"
    task_class = TaskClass.CHECK
    facts = PerformanceFacts
    params = PerformanceParams

    def observe(self, session: Session, on: On | None = None) -> PerformanceFacts:
        """Read the counters, and sample for a second what sessions wait for."""
        server, last, now = session.connection, session.last, clock.now()
        seen = PerformanceFacts(
            at=now,
            settings=session.target.settings,
            server=server.identity(),
            latency=_round_trip(server),
            sample=sampled(server),
            totals=server.read(Totals)[0],
            counters=server.everywhere(Scans),
        )
        return _compared(seen, last, _usual(session, now)) if last else seen

    def assess(self, facts: PerformanceFacts, params: PerformanceParams) -> list[Finding]:
        """Rank what is out of order, then tell how it goes."""
        return findings(facts, params)

    def figures(self, facts: PerformanceFacts) -> Iterable[Figure]:
        """The rates of the period, and the time of a round trip now."""
        limits = facts.settings.limits
        yield Figure("performance round trip", facts.latency, "s", at_most=limits.latency)
        for one in work.figures(facts.done) if facts.done else ():
            yield replace(one, at_least=limits.cache_hit) if one.name == work.named("cache_hit") else one


def _compared(seen: PerformanceFacts, last: PerformanceFacts, usual: dict[str, float]) -> PerformanceFacts:
    return replace(
        seen,
        done=work.work(seen.totals, last.totals),
        before=last.done,
        usual=usual,
        tables=work.scanned(seen.counters, last.counters),
    )


def _usual(session: Session, now: datetime) -> dict[str, float]:
    """Return the median of earlier values of each rate."""
    known = session.history(now - _WEEKS, map(work.named, work.MEASURED))
    past = {name: known[work.named(name)].points for name in work.MEASURED if work.named(name) in known}
    return {name: statistics.median(value for _, value in points) for name, points in past.items() if len(points) >= _ENOUGH}


def _round_trip(server: Server) -> Duration:
    """Return the median time of the smallest statement."""
    times = []
    for _ in range(_TRIES):
        began = clock.monotonic()
        server.run("SELECT 1")
        times.append(clock.monotonic() - began)
    return Duration(statistics.median(times))
