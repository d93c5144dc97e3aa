"""Bring the planner's statistics up to date where enough rows have changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.kinds.postgres.facts import TableFacts, look
from mainstay.kinds.postgres.rows import Table
from mainstay.kinds.postgres.statement import LockNotAvailable, statement
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Share
from mainstay.system.clock import Deadline

ANALYZE = statement("ANALYZE {table}")


@dataclass(frozen=True)
class AnalyzeParams:
    """What is worth new statistics."""

    modified_share: Annotated[Share, Setting("share of rows changed since the last analyze", ge=0, le=1, example="10%")] = Share(
        0.1
    )
    min_rows: Annotated[int, Setting("smaller tables are left to autovacuum", ge=0, example="1000")] = 1000


class Analyze(TaskKind[TableFacts, AnalyzeParams]):
    """`ANALYZE` table by table; a table that somebody has locked is left to another time."""

    name = "analyze"
    summary = "update the planner's statistics of tables that have changed"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    facts = TableFacts
    params = AnalyzeParams

    def observe(self, session: Session, on: On | None = None) -> TableFacts:
        """Look at what has changed since the statistics were made."""
        return look(session, on)

    def plan(self, facts: TableFacts, params: AnalyzeParams, name: str) -> list[Step | Skip]:
        """Decide table by table."""
        return [_decide(table, params) for table in facts.tables]

    def verify(self, before: TableFacts, after: TableFacts, step: Step) -> str | None:
        """The table was analyzed after we began: that was longer ago before than it is now."""
        was, now = before.table(step.on), after.table(step.on)
        if was is None or now is None:
            return "the table is gone"
        newer = now.analyzed is not None and (was.analyzed is None or now.analyzed < was.analyzed)
        return None if newer else "it has not been analyzed"

    @action("analyze")
    def analyze(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Read a sample of the table."""
        database, *table = step.on[1:]
        with session.connection.acting(session, deadline, database) as act:
            try:
                act.work(ANALYZE, table=tuple(table))
            except LockNotAvailable as error:
                return Deferred(because(f"locked by another session: {error.because}", None))
        return None


def _decide(table: Table, params: AnalyzeParams) -> Step | Skip:
    reason = _unfit(table) or _fresh(table, params)
    if reason:
        return Skip(table.on, reason)
    why = because("modified_share", _share(table), ">", params.modified_share, "modified_share")
    if table.analyzed is None:
        why = because("analyzed", "never")
    cost = Cost(bytes=min(table.heap, 300 * 8192 * 100))  # a sample of 300 rows for each of 100 statistics targets
    return Step(
        f"analyze {' '.join(table.on[1:])}", "analyze", table.on, why, Impact.LOAD, Neutral(), deadline=Duration(1800), cost=cost
    )


def _unfit(table: Table) -> Because | None:
    """Say why a table cannot be analyzed now."""
    if not table.owned:
        return because("owner", table.owner)
    return because("under way", table.busy) if table.busy else None


def _fresh(table: Table, params: AnalyzeParams) -> Because | None:
    """Say why its statistics are good enough."""
    if table.live + table.dead < params.min_rows:
        return because("rows", table.live + table.dead, "<", params.min_rows, "min_rows")
    share = _share(table)
    if table.analyzed is not None and share <= params.modified_share:
        return because("modified_share", share, "<=", params.modified_share, "modified_share")
    return None


def _share(table: Table) -> Share:
    return Share(min(1.0, table.modified / max(table.live, 1)))
