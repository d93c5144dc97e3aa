"""Upgrade a copy of the cluster: what works there, and how long it takes, is what the window will see."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.upgrade import pg_upgrade
from mainstay.kinds.postgres.upgrade.rehearsing import RESULT, Rehearsal, Result, results
from mainstay.kinds.postgres.upgrade.rules import Cluster
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Size
from mainstay.system import process
from mainstay.system.clock import Deadline
from mainstay.system.files import room

_COPIES = 2.2  # the copy, what pg_upgrade makes of it, and the log written meanwhile


@dataclass(frozen=True)
class RehearsalFacts:
    """The cluster, the room for its copies, why it cannot be rehearsed here, and what the newest rehearsal (or one) has shown."""

    server: Identity
    cluster: Cluster
    folder: str = ""
    free: Size = Size(0)
    impossible: str = ""
    name: str = ""
    result: Result | None = None


class UpgradeRehearsal(TaskKind[RehearsalFacts, NoParams]):
    """A base backup is started alone, upgraded by pg_upgrade with its rows counted before and after, and removed again."""

    name = "upgrade_rehearsal"
    summary = "upgrade a copy of the cluster with pg_upgrade, compare the rows of every table, measure how long it takes"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    facts = RehearsalFacts

    def observe(self, session: Session, on: On | None = None) -> RehearsalFacts:
        """Look at the cluster, at the room for copies, and at what rehearsals have left."""
        server = session.connection
        identity, cluster = server.identity(), server.read(Cluster)[0]
        impossible = pg_upgrade.impossible(session, cluster) or _no_folder(session)
        if impossible:
            return RehearsalFacts(identity, cluster, impossible=impossible)
        folder: Path = session.target.settings.rehearsals
        found = [(name, result) for name, result in results(folder) if on is None or name == on[1]]
        name, result = found[-1] if found else ("", None)
        return RehearsalFacts(identity, cluster, str(folder), room(folder).free, "", name, result)

    def plan(self, facts: RehearsalFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """Always one rehearsal, where there is room for it."""
        needed = Size(facts.cluster.size * _COPIES)
        if reason := _left_out(facts, needed):
            return [Skip(("rehearsal", name), reason)]
        args = {"folder": facts.folder, "name": name}
        why, cost = because("size of the cluster", facts.cluster.size), Cost(bytes=needed)
        on = ("rehearsal", name)
        return [Step("rehearse", "rehearse", on, why, Impact.LOAD, Neutral(), args, deadline=Duration(8 * 3600), cost=cost)]

    def assess(self, facts: RehearsalFacts, params: NoParams) -> list[Finding]:
        """Tell what the newest rehearsal has shown, and so what the window has to hold."""
        if facts.result is None:
            return []
        result, on = facts.result, f"rehearsal {facts.name}"
        if result.differences:
            reason = because("rows differ", result.differences[0])
            return [Finding(Level.CRITICAL, on, reason, "do not upgrade before it is known why")]
        parts = ", ".join(f"{part} {Duration(took)}" for part, took in result.took.items())
        shown = f"{result.rows:,} rows in {result.tables} tables are the same after it: {parts}"
        return [Finding(Level.OK, on, because(f"from {result.old} to {result.new}", shown))]

    def verify(self, before: RehearsalFacts, after: RehearsalFacts, step: Step) -> str | None:
        """The rehearsal of that name came to its end, and every table has its rows."""
        if after.result is None:
            return "it has not come to its end"
        return f"rows differ: {after.result.differences[0]}" if after.result.differences else None

    @action("rehearse")
    def rehearse(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Clear what a killed attempt has left, and go through all parts."""
        self.tidy(session, step, deadline)
        folder = Path(step.args["folder"], step.args["name"])
        if (folder / RESULT).exists():
            return
        folder.mkdir(mode=0o700)
        server = session.connection
        rehearsal = Rehearsal(session, server.identity(), server.read(Cluster)[0], folder, deadline)
        rehearsal.keep(rehearsal.perform())

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """End the servers of a rehearsal that has not come to its end, and remove its copies."""
        process.end_tagged(session.door.tag)
        folder = Path(step.args["folder"], step.args["name"])
        for left in (pg_upgrade.sockets(folder), folder):
            if left.exists() and not (folder / RESULT).exists():
                shutil.rmtree(left)


def _no_folder(session: Session) -> str:
    folder: Path | None = session.target.settings.rehearsals
    if folder is None:
        return "`rehearsals` names no folder for the copies"
    return "" if folder.is_dir() else f"there is no folder {folder}"


def _left_out(facts: RehearsalFacts, needed: Size) -> Because | None:
    if facts.impossible:
        return because("it cannot be rehearsed here", facts.impossible)
    return because("free", facts.free, "<", needed) if facts.free < needed else None
