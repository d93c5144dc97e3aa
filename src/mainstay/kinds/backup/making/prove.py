"""Prove that backups can be restored, by restoring them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.backup.facts import RepositoryFacts, look, newest, obstacle, opened
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import Because, because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.catalogue import Entry
from mainstay.vault.names import BackupId, ObjectName
from mainstay.vault.restore import prove

_DEADLINE = Duration(6 * 3600)


@dataclass(frozen=True)
class ProveParams:
    """When a proof is too old."""

    renew: Annotated[Duration, Setting("prove a backup again after this time", ge=0, example="7d")] = Duration(0)


class Prove(TaskKind[RepositoryFacts, ProveParams]):
    """The newest backup of each target, rebuilt in a scratch folder and compared with what was counted in its snapshot."""

    name = "prove"
    summary = "restore the newest backup of each target into a scratch folder and compare it"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RepositoryFacts
    params = ProveParams
    proves = "backup"

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue."""
        return look(session, on, session.last)

    def plan(self, facts: RepositoryFacts, params: ProveParams, name: str) -> list[Step | Skip]:
        """One step for each target whose newest backup has no proof that is young enough."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("backup", target), reason, fails=True) for target in facts.settings.of]
        return [_decide(facts, target, params, name) for target in facts.settings.of]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The record of this very proof is there and names no difference."""
        entry = after.entry(step.args["id"])
        return None if entry and step.args["record"] in entry.proofs else f"{step.args['id']} is not proven"

    def locks(self, resource: str, params: ProveParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune and another proof."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#prove"))

    @action("prove")
    def prove(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Rebuild and compare; the record is written whatever is found. What a killed proof has left is removed first."""
        id, store = BackupId(step.args["id"]), session.stores[step.args["target"]]
        proof = prove(opened(session), id, store, ObjectName(step.args["record"]), session.work(deadline, step.cost.bytes))
        if proof.differences:
            because = "; ".join(proof.differences[:5])
            raise StepFailed("the restored copy is not what was backed up", on=id, because=because, next="make a new backup now")


def _decide(facts: RepositoryFacts, target: str, params: ProveParams, name: str) -> Step | Skip:
    on, last = ("backup", target), newest(facts.of(target))
    if last is None:
        return Skip(on, because("backups", 0), fails=True)
    reason = because("proof of the newest backup", "none")
    if last.proven:
        age = Duration((facts.at - last.proven).total_seconds())
        if age <= params.renew:
            return Skip(on, because("age of its proof", age, "<=", params.renew, "renew"))
        reason = because("age of its proof", age, ">", params.renew, "renew")
    return _step(last, reason, name)


def _step(entry: Entry, reason: Because, name: str) -> Step:
    record = ObjectName(f"{name}.{entry.target}")
    args = {"id": entry.id, "target": entry.target, "record": record}
    return Step(
        f"prove {entry.target}",
        "prove",
        ("backup", entry.target),
        reason,
        Impact.LOAD,
        args=args,
        deadline=_DEADLINE,
        cost=Cost(bytes=entry.raw),
        proves=(entry.target,),
        copied=entry.created,
    )
