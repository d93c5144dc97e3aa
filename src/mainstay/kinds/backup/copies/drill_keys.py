"""Open a copy with the escrowed key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from mainstay.kinds.backup.copies.remotes import look_at_keys, look_at_remotes, reached
from mainstay.kinds.backup.facts import RepositoryFacts, look, newest
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.plan import Impact, Neutral, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.copies.key_drill import drill
from mainstay.vault.names import BackupId

_DEADLINE = Duration(3600)


@dataclass(frozen=True)
class DrillParams:
    """The escrow text, brought back from its safe place for this."""

    escrow: Annotated[Path, Setting("the escrow text with the private key", example="/root/escrow.txt")]


class DrillKeys(TaskKind[RepositoryFacts, DrillParams]):
    """The newest copy at each remote: list, manifest and one object are opened with the escrow text alone."""

    name = "drill_keys"
    summary = "open the newest copy at each remote with the escrowed key, and write down that it worked"
    task_class = TaskClass.BACKUP
    impact = Impact.NONE
    facts = RepositoryFacts
    params = DrillParams

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Look at the keys and their last drill; before a plan, at the remotes too."""
        facts = replace(look(session, None, session.last), keys=look_at_keys(session))
        return facts if on else replace(facts, remotes=look_at_remotes(session, {}))

    def plan(self, facts: RepositoryFacts, params: DrillParams, name: str) -> list[Step | Skip]:
        """One step for each remote that has a copy."""
        planned: list[Step | Skip] = []
        for remote in facts.remotes:
            on, last = ("keys", remote.name), newest(remote.seen.entries)
            if last is None:
                planned.append(Skip(on, because(remote.trouble, None) if remote.trouble else because("copies", 0), fails=True))
                continue
            args = {"remote": remote.name, "id": last.id, "escrow": str(params.escrow)}
            reason = because("last drill", str(facts.keys.drill.at if facts.keys.drill else "never"))
            what = f"drill {remote.name}"
            planned.append(Step(what, "drill", on, reason, Impact.NONE, Neutral(), args, deadline=_DEADLINE))
        return planned

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """A newer record names this copy."""
        was, now = before.keys.drill, after.keys.drill
        wanted = (step.args["remote"], step.args["id"])
        return None if now and now != was and (now.remote, now.backup) == wanted else "no drill was written down"

    def locks(self, resource: str, params: DrillParams) -> tuple[Lock, ...]:
        """Beside users of the repository, but not beside a removal of copies."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#copies"))

    @action("drill")
    def drill(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Open it; the key is in memory only, and only as long as this takes."""
        with reached(session, step.args["remote"]) as copies:
            drill(copies, BackupId(step.args["id"]), Path(step.args["escrow"]), session.work(deadline))
