"""Statistics where the planner has none, as after a restore or a major upgrade: coarse ones of everything first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.kinds.postgres.facts import settle
from mainstay.kinds.postgres.planner.analyze import ANALYZE
from mainstay.kinds.postgres.planner.knowledge import Knowledge
from mainstay.kinds.postgres.statement import LockNotAvailable, statement
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Share, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline

TARGET = statement("SELECT set_config('default_statistics_target', %(target)s::text, false)")
_COARSE = (1, 10)  # statistics targets of the first passes, as vacuumdb --analyze-in-stages has them


@dataclass(frozen=True)
class StatisticsFacts:
    """The tables with rows on disk; with `on`, one of them."""

    at: datetime
    tables: tuple[Knowledge, ...]


@dataclass(frozen=True)
class StatisticsParams:
    """When coarse statistics come first."""

    staged_share: Annotated[
        Share, Setting("share of tables without statistics above which coarse ones are made first", ge=0, le=1, example="50%")
    ] = Share(0.5)


class Statistics(TaskKind[StatisticsFacts, StatisticsParams]):
    """`ANALYZE` of tables without statistics; when most have none, in stages, so that every table soon has some."""

    name = "statistics"
    summary = "make missing statistics, in stages after a restore or a major upgrade"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    rehearsable = True
    facts = StatisticsFacts
    params = StatisticsParams

    def observe(self, session: Session, on: On | None = None) -> StatisticsFacts:
        """Look at what the planner knows."""
        server = session.connection
        found = server.read(Knowledge, on[1]) if on else server.everywhere(Knowledge)
        return StatisticsFacts(clock.now(), tuple(one for one in found if on in (None, one.on)))

    def plan(self, facts: StatisticsFacts, params: StatisticsParams, name: str) -> list[Step | Skip]:
        """All coarse passes come before the first full one."""
        left = {one.on: reason for one in facts.tables if (reason := _left(one))}
        due = [one for one in facts.tables if one.on not in left]
        share = Share(sum(one.empty for one in facts.tables) / max(len(facts.tables), 1))
        staged = because("tables without statistics", share, ">", params.staged_share, "staged_share")
        coarse = _COARSE if share > params.staged_share else ()
        early = [_step(one, target, staged) for target in coarse for one in due if one.empty]
        return [*early, *(_step(one, 0, _why(one)) for one in due), *(Skip(on, reason) for on, reason in left.items())]

    def verify(self, before: StatisticsFacts, after: StatisticsFacts, step: Step) -> str | None:
        """The table was analyzed after we began."""
        if not before.tables or not after.tables:
            return "the table is gone"
        was, now = before.tables[0].analyzed, after.tables[0].analyzed
        return None if now is not None and (was is None or now < was) else "it has not been analyzed"

    @action("analyze")
    def analyze(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Read a sample of the table, a small one in the first passes."""
        with session.connection.acting(session, deadline, step.on[1]) as act:
            try:
                if step.args["target"]:
                    act.execute(TARGET, values={"target": step.args["target"]})
                act.work(ANALYZE, table=step.on[2:4])
            except LockNotAvailable as error:
                return Deferred(because(f"locked by another session: {error.because}", None))
            settle(act)
        return None


def _left(table: Knowledge) -> Because | None:
    """Say why a table is left alone."""
    if not table.owned:
        return because("owner", table.owner)
    if table.busy:
        return because("analyzed now by", table.busy)
    return None if table.empty or table.extended_missing else because("statistics", "present")


def _why(table: Knowledge) -> Because:
    return (
        because("statistics", "missing")
        if table.empty
        else because("extended statistics missing", ", ".join(table.extended_missing))
    )


def _step(table: Knowledge, target: int, why: Because) -> Step:
    rows = Size(300 * (target or 100) * 8192)  # 300 rows for each point of the target, a page each at worst
    id, cost = f"analyze {target or 'fully'} {' '.join(table.on[1:])}", Cost(bytes=min(table.heap, rows))
    return Step(id, "analyze", table.on, why, Impact.LOAD, Neutral(), {"target": target}, deadline=Duration(1800), cost=cost)
