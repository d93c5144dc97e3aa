"""Give back the room that dead rows have left in tables, while their users go on."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.kinds.postgres.compaction.compactable import CompactFacts, look_compactable
from mainstay.kinds.postgres.compaction.move import drop_half_built, move
from mainstay.kinds.postgres.compaction.repack import clear, repack
from mainstay.kinds.postgres.compaction.rewrite import CONCURRENTLY, FULL, rewrite
from mainstay.kinds.postgres.compaction.strategy import CompactParams, Subject, decide
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.model.because import because
from mainstay.model.figure import Figure
from mainstay.model.plan import Impact, On, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.model.units import Size
from mainstay.system.clock import Deadline


class Compact(TaskKind[CompactFacts, CompactParams]):
    """One table after the other, the one with most waste first, each by the way that its users notice least."""

    name = "compact"
    summary = "give back the room of dead rows: REPACK, guarded pg_repack, tuple mover; VACUUM FULL only where allowed"
    task_class = TaskClass.CARE
    impact = Impact.DOWNTIME
    rehearsable = True
    facts = CompactFacts
    params = CompactParams

    def highest_impact(self, settings: PostgresSettings, params: CompactParams) -> Impact:
        """Everybody waits for a rewrite alone, and that is only done when it was asked for or allowed."""
        return Impact.DOWNTIME if params.allow_downtime or params.strategy == "rewrite" else Impact.LOAD

    def observe(self, session: Session, on: On | None = None) -> CompactFacts:
        """Look at the bloat of every table and at what is possible; with `on`, at one table."""
        return look_compactable(session, on)

    def plan(self, facts: CompactFacts, params: CompactParams, name: str) -> list[Step | Skip]:
        """Decide table by table."""
        subjects = [Subject(*found, facts, params) for one in facts.bloat if (found := facts.table(one.on))]
        return [item for one in sorted(subjects, key=lambda one: -one.bloat.waste) for item in decide(one)]

    def verify(self, before: CompactFacts, after: CompactFacts, step: Step) -> str | None:
        """Half of the waste at least is gone, the indexes are valid, and nothing of ours is left."""
        was, now = before.table(step.on), after.table(step.on)
        if was is None or now is None:
            return "the table is gone"
        bloat, table = now
        if table.leftovers:
            return f"left behind: {', '.join(table.leftovers)}"
        broken = [index.name for index in bloat.indexes if not index.valid]
        if broken:
            return f"not valid: {', '.join(broken)}"
        if step.action != "move" and table.filenode == step.args["filenode"]:
            return "it has not been rewritten"
        given_back = Size(was[0].size - bloat.size)
        if given_back < step.args["waste"] / 2:
            return f"{given_back} of {Size(step.args['waste'])} were given back"
        return None

    def figures(self, facts: CompactFacts) -> Iterable[Figure]:
        """Return what could be given back."""
        return [Figure("waste", sum(one.waste for one in facts.bloat), "B")]

    def apply(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Do it; a table that somebody keeps locked is left to another time."""
        try:
            return super().apply(session, step, deadline)
        except LockNotAvailable as error:
            return Deferred(because(f"locked by another session: {error.because}", None))

    @action("repack_concurrently")
    def repack_concurrently(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Rewrite it by the server's own command, online."""
        return rewrite(session, step, deadline, CONCURRENTLY)

    @action("repack")
    def repack(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Rewrite it by pg_repack, guarded."""
        return repack(session, step, deadline)

    @action("move")
    def move(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Move its rows to the front and cut the end off."""
        return move(session, step, deadline)

    @action("rewrite")
    def rewrite(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Rewrite it while everybody waits."""
        return rewrite(session, step, deadline, FULL)

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take away the objects of a pg_repack, or half-built indexes, that were left."""
        if step.action == "repack":
            clear(session, step, deadline)
        if step.action == "move":
            drop_half_built(session, step, deadline)
