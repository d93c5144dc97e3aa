"""Recover the cluster to a point in time, into a new data directory."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.kinds.postgres.recovery import private, rules
from mainstay.kinds.postgres.recovery.choice import Choice, Target, choose
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts, beside, configured, look
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.kinds.postgres.recovery.recovering import RECORD, Order, Recovery, ready, recorded
from mainstay.model.because import because
from mainstay.model.codec import canonical
from mainstay.model.errors import Refused
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system import process
from mainstay.system.clock import Deadline
from mainstay.system.files import sync_folder, write_atomic


@dataclass(frozen=True)
class RecoverFacts:
    """The archive, and what is at the place that is looked at: `record` is the run that has recovered it, `left` is half made."""

    archive: ArchiveFacts
    there: bool = False
    record: str = ""
    left: bool = False


class Recover(TaskKind[RecoverFacts, Target]):
    """A private server replays the log to the target and is checked; the directory appears when that has succeeded."""

    name = "recover"
    summary = "recover to a moment, position or named point, into a new data directory that was booted privately and checked"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RecoverFacts
    params = Target

    def observe(self, session: Session, on: On | None = None) -> RecoverFacts:
        """Look at the archive and how far the server is, or at the place that `on` names."""
        facts = RecoverFacts(look(session, server=on is None))
        if on is None:
            return facts
        into = Path(on[2])
        return replace(facts, there=os.path.lexists(into), record=recorded(into), left=_part(into, on[3]).exists())

    def plan(self, facts: RecoverFacts, params: Target, name: str) -> list[Step | Skip]:
        """One step, or the reason why the target cannot be reached, with what can be."""
        on, found = ("cluster", facts.archive.name), choose(facts.archive, params)
        if not isinstance(found, Choice):
            return [Skip(on, found)]
        if params.into is None and facts.archive.beside < found.needed:
            return [Skip(on, because("free", facts.archive.beside, "<", found.needed))]
        return [
            _step(facts.archive, params, found, name),
            Skip(("live cluster", facts.archive.name), because("left as it is: nothing is switched", None)),
        ]

    def verify(self, before: RecoverFacts, after: RecoverFacts, step: Step) -> str | None:
        """It is there, was not before, and was recovered by this very step."""
        if before.there and before.record != step.args["name"]:
            return f"{step.args['into']} was there before"
        done = after.record == step.args["name"] and not after.left
        return None if done else f"{step.args['into']} was not recovered"

    def locks(self, resource: str, params: Target) -> tuple[Lock, ...]:
        """Beside everybody at the server; nothing is pruned meanwhile."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#archive", exclusive=False))

    @action("recover")
    def recover(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Make it under another name; the new directory gets its own when it was checked and is stopped."""
        self.tidy(session, step, deadline)
        args, into, part = step.args, Path(step.args["into"]), Path(step.args["part"])
        if recorded(into) == args["name"]:
            return
        if os.path.lexists(into):
            raise Refused(
                "it is there already", on=str(into), because="nothing that exists is written to", next="name another place"
            )
        order = Order(args["base"], args["name"], args["setting"], args["value"])
        settings = configured(session)
        result = Recovery(session, Archive(settings.path), order, part, deadline).perform(settings.user)
        write_atomic(part / "data" / RECORD, canonical(result))
        os.rename(part / "data", into)
        sync_folder(into.parent)
        private.clear(part)
        session.output.extend(ready(result, into))

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """End the server of an attempt that did not finish, and remove what it has made; what was recovered stays."""
        process.end_tagged(session.door.tag)
        private.clear(Path(step.args["part"]))


def _part(into: Path, name: str) -> Path:
    return into.with_name(f".{into.name}.{name}.part")


def _step(facts: ArchiveFacts, params: Target, found: Choice, name: str) -> Step:
    into = str(params.into or beside(facts.settings) / f"{facts.settings.path.name}-recovered-{name}")
    part, (setting, value) = str(_part(Path(into), name)), params.setting
    args = {"base": found.base.id, "setting": setting, "value": value, "into": into, "part": part, "name": name}
    what = f"the newest base backup that was complete before {value or 'the end of the log'}"
    cost = Cost(bytes=found.needed, files=len(found.chain.places))
    on, why = ("cluster", facts.name, into, name), because(what, f"{found.base.id}, {rules.practice(facts)}")
    return Step(
        f"recover {facts.name}", "recover", on, why, Impact.LOAD, args=args, deadline=Duration(24 * 3600), cost=cost,
    )  # fmt: skip
