"""Find rows that point to nothing, and, only when asked to, move them out of the way."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.kinds.postgres.orphans import quarantine
from mainstay.kinds.postgres.orphans.decisions import OrphansParams, decide, dropped, judged, loose, named
from mainstay.kinds.postgres.orphans.quarantine import Move
from mainstay.kinds.postgres.orphans.rules import SCHEMA, OrphanFacts, look
from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.model.because import Finding, because
from mainstay.model.figure import Figure
from mainstay.model.plan import Impact, On, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline


class OrphanedRows(TaskKind[OrphanFacts, OrphansParams]):
    """Rows move to a quarantine table in short transactions, and from there back, or into the void when they are old."""

    name = "orphans"
    summary = "count rows that point to nothing, by declared rules and foreign keys; move them to quarantine when asked to"
    task_class = TaskClass.CHANGE
    impact = Impact.LOAD
    rehearsable = True
    facts = OrphanFacts
    params = OrphansParams

    def observe(self, session: Session, on: On | None = None) -> OrphanFacts:
        """Count what breaks each rule, or the rule of one step."""
        return look(session, on)

    def plan(self, facts: OrphanFacts, params: OrphansParams, name: str) -> list[Step | Skip]:
        """Rule by rule and partition by partition; then what has been in quarantine for long enough."""
        rows = [decide(one, facts, params, named(name, number)) for number, one in enumerate(facts.counts, 1)]
        return [*rows, *(dropped(one, facts, params) for one in facts.kept)]

    def assess(self, facts: OrphanFacts, params: OrphansParams) -> list[Finding]:
        """Name what breaks a rule, with keys to look at, and what could not be counted."""
        return [*(judged(one, params) for one in facts.counts if one.rows or one.problem), *loose(facts.large_objects)]

    def figures(self, facts: OrphanFacts) -> Iterable[Figure]:
        """How many rows break each rule."""
        return [Figure(f"orphans {one.probe.name} {'.'.join(one.part)}", one.rows) for one in facts.counts if not one.problem]

    def verify(self, before: OrphanFacts, after: OrphanFacts, step: Step) -> str | None:
        """All planned rows are in quarantine, or as many as there were; or the table there is gone."""
        there = after.moved.get(step.args["kept"])
        if step.action != "move":
            return None if there is None else f"{SCHEMA}.{step.args['kept']} is still there"
        if there is None:
            return "no row was moved"
        left = sum(one.rows for one in after.counts if one.on == step.on)
        return f"{there} of {step.args['rows']} rows were moved" if left and there < step.args["rows"] else None

    @action("move")
    def move(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Move batch by batch; what a killed attempt has moved counts."""
        planned = Move.of(step.args)
        with session.connection.acting(session, deadline, planned.probe.database) as act:
            try:
                quarantine.set_up(act, planned)
            except LockNotAvailable as error:
                return Deferred(because(f"locked by another session: {error.because}", None))
            quarantine.move_rows(act, planned)
        return None

    @action("put_back")
    def put_back(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Return the rows to their table."""
        planned = Move.of(step.args)
        with session.connection.acting(session, deadline, planned.probe.database) as act:
            quarantine.put_back(act, planned)

    @action("drop")
    def drop(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Drop a table in quarantine."""
        with session.connection.acting(session, deadline, step.on[1]) as act:
            quarantine.drop(act, step.args["kept"])

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Return what an unfinished move has moved; where nothing can return, only an empty table goes."""
        if step.action != "move":
            return
        planned = Move.of(step.args)
        with session.connection.acting(session, deadline, planned.probe.database) as act:
            if isinstance(step.reverse, Undo):
                quarantine.put_back(act, planned)
            elif quarantine.is_empty(act, planned.kept):
                quarantine.drop(act, planned.kept)
