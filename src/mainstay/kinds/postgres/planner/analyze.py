"""Bring the planner's statistics up to date where enough rows have changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.kinds.postgres.facts import look, settle
from mainstay.kinds.postgres.planner.parents import Parent, due, newer
from mainstay.kinds.postgres.planner.staleness import changed, fresh, unfit
from mainstay.kinds.postgres.rows import Table
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.statement import LockNotAvailable, statement
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Share, Size
from mainstay.system.clock import Deadline

ANALYZE = statement("ANALYZE {table}")


@dataclass(frozen=True)
class AnalyzeFacts:
    """The tables that hold rows, and the trees of tables that are queried as one."""

    at: datetime
    settings: PostgresSettings
    tables: tuple[Table, ...]
    parents: tuple[Parent, ...] = ()


@dataclass(frozen=True)
class AnalyzeParams:
    """What is worth new statistics."""

    modified_share: Annotated[Share, Setting("share of rows changed since the last analyze", ge=0, le=1, example="10%")] = Share(
        0.1
    )
    min_rows: Annotated[int, Setting("smaller tables are left to autovacuum", ge=0, example="1000")] = 1000


class Analyze(TaskKind[AnalyzeFacts, AnalyzeParams]):
    """`ANALYZE` table by table; a table that somebody has locked is left to another time."""

    name = "analyze"
    summary = "update the planner's statistics of tables that have changed"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    rehearsable = True
    facts = AnalyzeFacts
    params = AnalyzeParams

    def observe(self, session: Session, on: On | None = None) -> AnalyzeFacts:
        """Look at what has changed since the statistics were made."""
        seen, server = look(session, on), session.connection
        parents = server.read(Parent, on[1]) if on else server.everywhere(Parent)
        return AnalyzeFacts(seen.at, seen.settings, seen.tables, tuple(one for one in parents if on in (None, one.on)))

    def plan(self, facts: AnalyzeFacts, params: AnalyzeParams, name: str) -> list[Step | Skip]:
        """Decide tree by tree, then table by table: ANALYZE of a tree goes on to its tables."""
        trees = [(one, *due(one, params.modified_share)) for one in facts.parents]
        done = {(one.database, oid): one.name for one, late, _ in trees if late for oid in one.children}
        return [
            *(_step(one.on, why, one.heap) if late else Skip(one.on, why) for one, late, why in trees),
            *(
                _decide(table, params, done.get((table.database, table.oid), ""))
                for table in facts.tables
                if not _top(table, facts)
            ),
        ]

    def verify(self, before: AnalyzeFacts, after: AnalyzeFacts, step: Step) -> str | None:
        """It was analyzed after we began: that was longer ago before than it is now."""
        if before.parents and after.parents:
            return None if newer(before.parents[0], after.parents[0]) else "it has not been analyzed"
        if not before.tables or not after.tables:
            return "the table is gone"
        was, now = before.tables[0].analyzed, after.tables[0].analyzed
        return None if now is not None and (was is None or now < was) else "it has not been analyzed"

    @action("analyze")
    def analyze(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Read a sample of the table."""
        database, *table = step.on[1:]
        with session.connection.acting(session, deadline, database) as act:
            try:
                act.work(ANALYZE, table=tuple(table))
            except LockNotAvailable as error:
                return Deferred(because(f"locked by another session: {error.because}", None))
            settle(act)
        return None


def _top(table: Table, facts: AnalyzeFacts) -> bool:
    """Tell whether a table is itself the top of a tree: it is decided as such."""
    return any(one.on == table.on for one in facts.parents)


def _decide(table: Table, params: AnalyzeParams, tree: str) -> Step | Skip:
    reason = unfit(table) or (
        because("analyzed together with", tree) if tree else fresh(table, params.modified_share, params.min_rows)
    )
    if reason:
        return Skip(table.on, reason)
    why = because("modified_share", changed(table), ">", params.modified_share, "modified_share")
    return _step(table.on, because("analyzed", "never") if table.analyzed is None else why, table.heap)


def _step(on: On, why: Because, size: Size) -> Step:
    cost = Cost(bytes=min(size, 300 * 8192 * 100))  # a sample of 300 rows for each of 100 statistics targets
    return Step(f"analyze {' '.join(on[1:])}", "analyze", on, why, Impact.LOAD, Neutral(), deadline=Duration(1800), cost=cost)
