"""Read backups to their last byte."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.backup.facts import RepositoryFacts, look, obstacle, opened
from mainstay.kinds.backup.judging.order import disorder
from mainstay.kinds.backup.making.signing import wrong_signature
from mainstay.kinds.backup.restoring.choosing import LATEST, chosen
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import Finding, because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.vault import manifest as manifests
from mainstay.vault import proof as proofs
from mainstay.vault import verify as reading
from mainstay.vault.catalogue import Entry
from mainstay.vault.names import BackupId, ObjectName
from mainstay.vault.proof import Proof

_DEADLINE = Duration(6 * 3600)


@dataclass(frozen=True)
class VerifyParams:
    """Which backups are read."""

    which: Annotated[
        str, Setting("latest (the newest backup of each target), all, or the beginning of an id", example="20261121T02")
    ] = LATEST


class Verify(TaskKind[RepositoryFacts, VerifyParams]):
    """Every object: full read, both digests, full decode; stray and missing files are named."""

    name = "verify"
    summary = "read backups to the last byte and compare every digest"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RepositoryFacts
    params = VerifyParams

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue."""
        return look(session, on, session.last)

    def plan(self, facts: RepositoryFacts, params: VerifyParams, name: str) -> list[Step | Skip]:
        """One step for each backup that is to be read."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("backup", target), reason, fails=True) for target in facts.settings.of]
        found = chosen(facts, params.which)
        missing = [target for target in facts.settings.of if not facts.of(target)]
        none = [Skip(("repository", facts.name), because(f"backups whose id begins with {params.which}", 0), fails=True)]
        skips = [Skip(("backup", target), because("backups", 0)) for target in missing] or ([] if found else none)
        return [*(_step(entry, name) for entry in found), *skips]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """A record of this very look says that nothing differs."""
        entry = after.entry(step.args["id"])
        return None if entry and step.args["record"] in entry.proofs else f"{step.args['id']} was not found sound"

    def assess(self, facts: RepositoryFacts, params: VerifyParams) -> list[Finding]:
        """What is so damaged that it is not in the catalogue is found here."""
        return disorder(facts)

    def locks(self, resource: str, params: VerifyParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune."""
        return (Lock(resource, exclusive=False),)

    @action("verify")
    def read(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Read one backup, write down what was found, and fail with the first difference."""
        repository, id = opened(session), BackupId(step.args["id"])
        began, folder = clock.monotonic(), repository.folder(id)
        found = reading.verify(repository, id, session.work(deadline, step.cost.bytes))
        found += wrong_signature(session, repository, id)
        _, sha256 = manifests.read(folder, id)  # what is damaged here is raised with its name
        took = Duration(clock.monotonic() - began)
        proofs.write(repository, Proof(1, id, step.args["record"], "readable", clock.now(), took, sha256, found))
        if found:
            raise StepFailed("a backup is damaged", on=id, because="; ".join(found[:5]), next="make a new backup now")


def _step(entry: Entry, name: str) -> Step:
    args = {"id": entry.id, "record": ObjectName(f"read-{name}")}
    reason, on = because("last read", str(entry.read or "never")), ("backup", entry.target, entry.id)
    cost = Cost(bytes=entry.raw)
    return Step(f"verify {entry.id}", "verify", on, reason, Impact.LOAD, Neutral(), args, deadline=_DEADLINE, cost=cost)
