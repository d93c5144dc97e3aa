"""Statistics for the query planner, where they are missing or old.

`PRAGMA optimize` looks only at tables that its own connection has queried (before SQLite 3.46), so a connection that is there
for maintenance would do nothing. This task finds the tables itself and runs the ANALYZE that the pragma would run.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.kinds.sqlite.database import attended, identifier, scalar, writing
from mainstay.model.because import because
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

_INDEXED = "SELECT DISTINCT tbl_name FROM sqlite_master WHERE type = 'index' AND tbl_name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
_STATISTICS = "SELECT tbl, max(CAST(stat AS INTEGER)) FROM sqlite_stat1 GROUP BY tbl"  # stat begins with the number of rows
_LIMIT = 400  # rows of an index that are read; https://sqlite.org/lang_analyze.html#approx


@dataclass(frozen=True)
class TableStatistics:
    """A table with an index: its rows now, and when it was analysed (None = never)."""

    table: str
    rows: int
    analysed: int | None = None


@dataclass(frozen=True)
class StatisticsFacts:
    """The tables that the planner has a choice for."""

    at: datetime
    tables: tuple[TableStatistics, ...] = ()


@dataclass(frozen=True)
class OptimizeParams:
    """When statistics are too old."""

    growth: Annotated[float, Setting("analyse a table that has so many times the rows it had", ge=1.5, example="10")] = 10


class Optimize(TaskKind[StatisticsFacts, OptimizeParams]):
    """ANALYZE with a row limit, for each table that needs it."""

    name = "optimize"
    summary = "statistics for the query planner, where missing or old"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    rehearsable = True
    facts = StatisticsFacts
    params = OptimizeParams

    def observe(self, session: Session, on: On | None = None) -> StatisticsFacts:
        """Count the rows of every table that has an index, or of the one that `on` names."""
        connection, deadline = session.connection, Deadline(session.target.settings.max_integrity)
        wanted = on[1] if on else None
        found = attended(connection, lambda: _look(connection, wanted), lambda: session.pulse(deadline))
        return StatisticsFacts(clock.now(), tuple(found))

    def plan(self, facts: StatisticsFacts, params: OptimizeParams, name: str) -> list[Step | Skip]:
        """One step for each table whose statistics are missing or old."""
        return [_decide(one, params) for one in facts.tables]

    def verify(self, before: StatisticsFacts, after: StatisticsFacts, step: Step) -> str | None:
        """The table has statistics, and others than before."""
        was, now = _of(before, step.on[1]), _of(after, step.on[1])
        if now is None or now.analysed is None:
            return f"{step.on[1]} has no statistics"
        return "its statistics are those of before" if was and was.analysed == now.analysed else None

    @action("analyze")
    def analyze(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Read a sample of each index of one table."""
        with writing(session.connection) as connection:
            connection.execute(f"PRAGMA analysis_limit = {_LIMIT}")
            statement = f"ANALYZE main.{identifier(step.args['table'])}"
            attended(connection, lambda: connection.execute(statement), lambda: session.pulse(deadline))


def _decide(one: TableStatistics, params: OptimizeParams) -> Step | Skip:
    on = ("table", one.table)
    if not one.rows:
        return Skip(on, because("rows", 0))
    if one.analysed is not None and one.rows <= params.growth * max(one.analysed, 1):
        return Skip(on, because("growth since it was analysed", one.rows / max(one.analysed, 1), "<=", params.growth, "growth"))
    reason = because("statistics", "missing")
    if one.analysed is not None:
        reason = because("growth since it was analysed", one.rows / max(one.analysed, 1), ">", params.growth, "growth")
    args, cost = {"table": one.table}, Cost(rows=min(one.rows, _LIMIT))
    return Step(f"analyze {one.table}", "analyze", on, reason, Impact.LOAD, Neutral(), args, deadline=Duration(60), cost=cost)


def _look(connection: sqlite3.Connection, wanted: str | None) -> list[TableStatistics]:
    known = dict(connection.execute(_STATISTICS).fetchall()) if _has_statistics(connection) else {}
    names = sorted(name for (name,) in connection.execute(_INDEXED).fetchall() if wanted in (None, name))
    return [
        TableStatistics(name, scalar(connection, f"SELECT count(*) FROM {identifier(name)}"), known.get(name)) for name in names
    ]


def _has_statistics(connection: sqlite3.Connection) -> bool:
    return bool(scalar(connection, "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"))


def _of(facts: StatisticsFacts, table: str) -> TableStatistics | None:
    return next((one for one in facts.tables if one.table == table), None)
