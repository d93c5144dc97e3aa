"""Did rows get lost: tables counted in one snapshot, and compared with the count before."""

from __future__ import annotations

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.postgres.integrity.counted import Counted, CountFacts, look
from mainstay.kinds.postgres.settings import Tolerance
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.plan import Impact, On
from mainstay.model.task import TaskClass
from mainstay.model.units import Share


class Counts(TaskKind[CountFacts, NoParams]):
    """Named in the `checks` of a routine it counts before and after, so that what maintenance lost is told."""

    name = "counts"
    summary = "rows of tables in one snapshot, compared with the previous count"
    task_class = TaskClass.CHECK
    impact = Impact.LOAD
    facts = CountFacts

    def observe(self, session: Session, on: On | None = None) -> CountFacts:
        """Count; every table is read once."""
        return look(session)

    def assess(self, facts: CountFacts, params: NoParams) -> list[Finding]:
        """Judge each table by its tolerance; a loss is critical, what came in addition is a warning."""
        missing = [_missing(name) for name in facts.missing]
        return [*missing, *(_judged(one, facts) for one in facts.tables)]


def _missing(name: str) -> Finding:
    return Finding(Level.WARNING, f"table {name}", because("there is no such table", None), "look at `counts`")


def _judged(table: Counted, facts: CountFacts) -> Finding:
    tolerance, param = facts.tolerance(table)
    if table.rows is None and table.before is None:
        return Finding(Level.WARNING, table.shown, because("not counted", table.problem), "grant SELECT on it")
    if table.rows is None:
        advice = f"it had {table.before:,} rows: look for who dropped or hid it; restore a proven backup"
        return Finding(Level.CRITICAL, table.shown, because("gone", table.problem), advice)
    if table.before is None:
        return Finding(Level.OK, table.shown, because("rows", f"{table.rows:,}, counted for the first time"))
    reason = _beyond(table.rows, table.before, tolerance, param)
    if reason is None:
        return Finding(Level.OK, table.shown, because("rows", f"{table.rows:,}, before {table.before:,}"))
    return _changed(table, reason)


def _beyond(rows: int, before: int, tolerance: Tolerance, param: str) -> Because | None:
    """Return what is too much of a change, None when it is within the tolerance."""
    if tolerance.change == "percent":
        share = Share(abs(rows - before) / max(before, 1))
        fact = "lost" if rows < before else "grown"
        return because(fact, share, ">", tolerance.share, param) if share > tolerance.share else None
    if rows < before:
        return because("rows", rows, "<", before)
    return because("rows", rows, "!=", before) if tolerance.change == "exact" and rows != before else None


def _changed(table: Counted, reason: Because) -> Finding:
    assert table.rows is not None
    assert table.before is not None
    if table.rows < table.before:
        advice = f"{table.before:,} before, {table.rows:,} now: stop, and find out who deleted rows; restore a proven backup"
        return Finding(Level.CRITICAL, table.shown, reason, advice)
    return Finding(
        Level.WARNING, table.shown, reason, f"{table.before:,} before, {table.rows:,} now: somebody has written meanwhile"
    )
