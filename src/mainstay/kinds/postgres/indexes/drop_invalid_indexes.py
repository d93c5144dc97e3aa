"""Drop indexes that are invalid and nobody's: they cost every write and serve no query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.kind import Deferred, NoParams, Session, TaskKind, action
from mainstay.kinds.postgres.indexes.states import DROP, Index, named, unfit
from mainstay.kinds.postgres.rows import Identity
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, On, OneWay, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline


@dataclass(frozen=True)
class InvalidFacts:
    """The indexes that are not valid; with `on`, the one of that name, valid or not."""

    at: datetime
    server: Identity
    indexes: tuple[Index, ...]


class DropInvalidIndexes(TaskKind[InvalidFacts, NoParams]):
    """`DROP INDEX CONCURRENTLY` of what a failed `CREATE INDEX CONCURRENTLY` or `REINDEX CONCURRENTLY` has left."""

    name = "drop_invalid_indexes"
    summary = "drop invalid indexes that no build and no constraint needs"
    task_class = TaskClass.CHANGE
    impact = Impact.LOAD
    rehearsable = True
    facts = InvalidFacts

    def observe(self, session: Session, on: On | None = None) -> InvalidFacts:
        """Look at the indexes that are not valid."""
        server = session.connection
        seen = server.read(Index, on[1]) if on else server.everywhere(Index)
        found = tuple(one for one in seen if (one.on == on if on else not one.valid))
        return InvalidFacts(clock.now(), server.identity(), found)

    def plan(self, facts: InvalidFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """Decide index by index."""
        return [_decide(one, facts.server.version) for one in facts.indexes]

    def verify(self, before: InvalidFacts, after: InvalidFacts, step: Step) -> str | None:
        """That very index is gone; another one may have its name by now."""
        index = named(after.indexes, step.on)
        return f"{index.name} is still there" if index and index.oid == step.args["oid"] else None

    @action("drop")
    def drop(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Drop it if it is the one that was planned, still invalid, and nobody builds it.

        Only transactions that use the table are waited for, and nobody waits for us.
        """
        with session.connection.acting(session, deadline, step.on[1], patient=True) as act:
            index = named(act.server.read(Index, step.on[1]), step.on)
            if index is None or index.oid != step.args["oid"]:
                return None
            if reason := _needed(index) or unfit(index, act.server.identity().version):
                return Deferred(reason)
            act.work(DROP, index=step.on[2:4])
        return None


def _decide(index: Index, version: int) -> Step | Skip:
    if reason := _needed(index) or unfit(index, version):
        return Skip(index.on, reason)
    why = (
        because("not valid: left by an unfinished build", index.base)
        if index.base
        else because("not valid, and no build runs", None)
    )
    reverse = OneWay(f"it is invalid: no query uses it; to have it again: {index.definition}")
    args, id = {"oid": index.oid, "definition": index.definition}, f"drop {' '.join(index.on[1:])}"
    cost = Cost(bytes=index.size)
    return Step(id, "drop", index.on, why, Impact.LOAD, reverse, args, deadline=Duration(3600), cost=cost)


def _needed(index: Index) -> Because | None:
    """Say who depends on an index although it is not valid."""
    if index.valid:
        return because("valid by now", None)
    if index.kind == "I":
        return because("a partitioned index: it becomes valid when each partition has it", None)
    if index.attached:
        return because("a partition of a partitioned index: reindex it", None)
    if index.constraint:
        return because("needed by constraint", index.constraint)
    return because("replicas find rows by it: reindex it", None) if index.identity else None
