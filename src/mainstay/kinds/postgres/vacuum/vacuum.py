"""Remove dead rows, freeze old ones and update statistics: where it is needed, in one pass, gently."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.kinds.postgres.facts import look, settle, sizes
from mainstay.kinds.postgres.rows import Identity, Table
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.statement import LockNotAvailable, statement
from mainstay.kinds.postgres.vacuum.horizon import Holder, keeps_unfrozen
from mainstay.kinds.postgres.vacuum.need import Need, VacuumParams, ages, kept, need
from mainstay.model.because import Because, Finding, because
from mainstay.model.figure import Figure
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline

GENTLY = statement(
    "SELECT set_config('vacuum_cost_delay', %(delay)s, false), set_config('vacuum_cost_limit', %(limit)s::text, false)"
)
VACUUM = statement("VACUUM (FREEZE {freeze}, ANALYZE {analyze}, PARALLEL {parallel}) {table}")


@dataclass(frozen=True)
class VacuumFacts:
    """The tables, and who keeps dead rows of theirs from being removed, oldest first."""

    at: datetime
    settings: PostgresSettings
    server: Identity
    tables: tuple[Table, ...]
    holders: tuple[Holder, ...] = ()


class Vacuum(TaskKind[VacuumFacts, VacuumParams]):
    """`VACUUM (ANALYZE)` table by table, the one in greatest need first."""

    name = "vacuum"
    summary = "remove dead rows, freeze old ones and update statistics where it is needed"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    rehearsable = True
    facts = VacuumFacts
    params = VacuumParams

    def observe(self, session: Session, on: On | None = None) -> VacuumFacts:
        """Look at the tables and at what holds VACUUM back."""
        seen, server = look(session, on), session.connection
        holders = server.read(Holder, on[1]) if on else server.everywhere(Holder)
        return VacuumFacts(seen.at, seen.settings, seen.server, seen.tables, holders)

    def plan(self, facts: VacuumFacts, params: VacuumParams, name: str) -> list[Step | Skip]:
        """Decide table by table; what is in greatest need comes first."""
        decided = [(table, need(table, facts.holders, params)) for table in facts.tables]
        due = [(why.rank, _step(table, why, params)) for table, why in decided if isinstance(why, Need)]
        left = [Skip(table.on, why) for table, why in decided if isinstance(why, Because)]
        return [*(step for _, step in sorted(due, key=lambda one: one[0])), *left]

    def assess(self, facts: VacuumFacts, params: VacuumParams) -> list[Finding]:
        """Report the oldest rows of each database, and the dead rows that no VACUUM can remove now."""
        return [*ages(facts.tables, params), *kept(facts.tables, facts.holders, params)]

    def figures(self, facts: VacuumFacts) -> Iterable[Figure]:
        """Return the sizes of the largest tables."""
        return sizes(facts.tables)

    def verify(self, before: VacuumFacts, after: VacuumFacts, step: Step) -> str | None:
        """It was vacuumed after we began, and its old rows are frozen unless somebody may still have to see them."""
        if not before.tables or not after.tables:
            return "the table is gone"
        was, now = before.tables[0], after.tables[0]
        if now.vacuumed is None or (was.vacuumed is not None and now.vacuumed >= was.vacuumed):
            return "it has not been vacuumed"
        if step.args["freeze"] and now.xid_age >= was.xid_age and not keeps_unfrozen(now, after.holders):
            return f"its oldest rows are still {now.xid_age:,} transactions old"
        return None

    @action("vacuum")
    def vacuum(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Vacuum one table; nobody is kept waiting, and a table that is locked is left to another time."""
        database, *table = step.on[1:]
        options = {name: step.args[name] for name in ("freeze", "analyze", "parallel")}
        with session.connection.acting(session, deadline, database) as act:
            act.execute(GENTLY, values={"delay": step.args["delay"], "limit": step.args["limit"]})
            try:
                act.work(VACUUM, table=tuple(table), **options)
            except LockNotAvailable as error:
                return Deferred(because(f"locked by another session: {error.because}", None))
            settle(act)
        return None


def _step(table: Table, why: Need, params: VacuumParams) -> Step:
    args = {
        "freeze": why.freeze,
        "analyze": params.analyze and (table.modified > 0 or table.analyzed is None),
        "parallel": params.parallel,
        "delay": f"{params.cost_delay * 1000:g}ms",
        "limit": params.cost_limit,
    }
    id, cost = f"vacuum {' '.join(table.on[1:])}", Cost(bytes=table.total)
    return Step(id, "vacuum", table.on, why.because, Impact.LOAD, Neutral(), args, deadline=Duration(14_400), cost=cost)
