"""Rebuild indexes that are bloated, invalid or in a wrong order, one at a time, while everybody goes on."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.kinds.postgres.indexes.rebuild import RebuildFacts, ReindexParams, changed_order, decide, look_indexes
from mainstay.kinds.postgres.indexes.states import DROP, Index, copies, drop_copies, named
from mainstay.kinds.postgres.statement import LockNotAvailable, statement
from mainstay.model.because import Finding, Level, because
from mainstay.model.errors import StepFailed, Unknown
from mainstay.model.figure import Figure
from mainstay.model.plan import Impact, On, Skip, Step, shown
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline

REINDEX = statement("REINDEX INDEX CONCURRENTLY {index}")
RECORD = statement("ALTER COLLATION {collation} REFRESH VERSION")
RECORD_DATABASE = statement("ALTER DATABASE {database} REFRESH COLLATION VERSION")


class Reindex(TaskKind[RebuildFacts, ReindexParams]):
    """`REINDEX INDEX CONCURRENTLY`, the index with most waste first; what earlier attempts have left goes before."""

    name = "reindex"
    summary = "rebuild bloated, invalid or wrongly ordered indexes while everybody goes on"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    rehearsable = True
    facts = RebuildFacts
    params = ReindexParams

    def observe(self, session: Session, on: On | None = None) -> RebuildFacts:
        """Look at all indexes and their bloat; with `on`, at one index and at what rebuilds have left of it."""
        return look_indexes(session, on)

    def plan(self, facts: RebuildFacts, params: ReindexParams, name: str) -> list[Step | Skip]:
        """Decide index by index."""
        return decide(facts, params)

    def assess(self, facts: RebuildFacts, params: ReindexParams) -> list[Finding]:
        """Name the collations whose order has changed."""
        advice = "mainstay run with the task reindex: it rebuilds the indexes that depend on it, and records the new version"
        return [Finding(Level.WARNING, f"database {one.database}", changed_order(one), advice) for one in facts.collations]

    def figures(self, facts: RebuildFacts) -> Iterable[Figure]:
        """Return the sizes of the largest indexes."""
        largest = sorted(facts.indexes, key=lambda one: one.size, reverse=True)[:50]
        return [Figure(f"index {'.'.join(one.on[1:])}", one.size, "B", stored=True) for one in largest]

    def verify(self, before: RebuildFacts, after: RebuildFacts, step: Step) -> str | None:
        """The index lies in another file, is valid and defined as before, and nothing of its rebuild is left."""
        index, left = named(after.indexes, step.on), copies(after.indexes, step.on)
        if step.action == "drop_copy":
            return f"{index.name} is still there" if index and index.oid == step.args["oid"] else None
        if step.action == "record":
            return f"the recorded version is still {after.collations[0].recorded}" if after.collations else None
        if index is None:
            return "the index is gone"
        if not index.definition:
            raise Unknown("nobody can see how the index is defined", on=shown(step.on), because=index.busy, next="resume later")
        if index.definition != step.args["definition"]:
            return "its definition is not the one of before"
        if index.filenode == step.args["filenode"]:
            return "it has not been rebuilt"
        if not index.valid:
            return "it is not valid"
        return f"{left[0].name} is left of it" if left else None

    @action("reindex")
    def reindex(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Rebuild one index. It waits for older transactions until its time is over, and blocks nobody meanwhile."""
        with session.connection.acting(session, deadline, step.on[1], patient=True) as act:
            drop_copies(act, step.on)
            index = named(act.server.read(Index, step.on[1]), step.on)
            if index is None:
                raise StepFailed("the index is gone", on=shown(step.on), next="it was dropped or renamed meanwhile: plan again")
            if index.busy:
                return Deferred(because("under way", index.busy))
            if index.filenode == step.args["filenode"]:  # else an attempt that was interrupted has rebuilt it
                act.work(REINDEX, index=step.on[2:4])
        return None

    @action("drop_copy")
    def drop_copy(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Drop the copy that an unfinished rebuild has left, if it still is what was planned."""
        with session.connection.acting(session, deadline, step.on[1], patient=True) as act:
            copy = named(act.server.read(Index, step.on[1]), step.on)
            if copy is None or copy.oid != step.args["oid"] or not copy.base:
                return None
            if copy.busy:
                return Deferred(because("under way", copy.busy))
            act.work(DROP, index=step.on[2:4])
        return None

    @action("record")
    def record(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Record the version of a collation that all of its indexes are built with by now."""
        database, *collation = step.on[1:]
        with session.connection.acting(session, deadline, database) as act:
            try:
                if collation[0]:
                    act.execute(RECORD, collation=tuple(collation))
                else:
                    act.execute(RECORD_DATABASE, database=(database,))
            except LockNotAvailable as error:
                return Deferred(because(f"locked by another session: {error.because}", None))
        return None

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Drop the half-built copy, or the old index that was not dropped yet."""
        if step.action == "reindex":
            with session.connection.acting(session, deadline, step.on[1], patient=True) as act:
                drop_copies(act, step.on)
