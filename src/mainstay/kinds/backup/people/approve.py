"""Approve a backup: a person's word, bound to the digest of its manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.backup.facts import RepositoryFacts, look, obstacle, opened
from mainstay.kinds.backup.restoring.choosing import chosen
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import Because, because
from mainstay.model.codec import decode, encode
from mainstay.model.plan import On, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault import approvals
from mainstay.vault.approvals import Approval
from mainstay.vault.catalogue import Entry


@dataclass(frozen=True)
class ApproveParams:
    """Which backup is approved, by whom."""

    backup: Annotated[str, Setting("the beginning of the id of one backup", example="20261101T02")]
    by: Annotated[str, Setting("who approves it", example="ann")]
    role: Annotated[str, Setting("in which role", example="backup administrator")]
    remark: Annotated[str, Setting("what is to be remembered", example="counts compared with the register")] = ""


class Approve(TaskKind[RepositoryFacts, ApproveParams]):
    """Only what is proven is approved; a person counts once, and so does a role."""

    name = "approve"
    summary = "write down who approves a proven backup, in which role, bound to the SHA-256 of its manifest"
    task_class = TaskClass.BACKUP
    facts = RepositoryFacts
    params = ApproveParams

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue."""
        return look(session, on, session.last)

    def plan(self, facts: RepositoryFacts, params: ApproveParams, name: str) -> list[Step | Skip]:
        """One step, or the reason why this approval would not count."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("repository", facts.name), reason, fails=True)]
        found = chosen(facts, params.backup)
        if len(found) != 1:
            reason = because(f"backups whose id begins with {params.backup}", len(found), "!=", 1)
            return [Skip(("repository", facts.name), reason, fails=True)]
        on, refused = ("backup", found[0].target, found[0].id), _refused(found[0], params)
        return [Skip(on, refused) if refused else _step(found[0], facts, params, name)]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The very record is there, for the manifest that is there; or, taken back, it is not."""
        wanted, entry = decode(Approval, step.args), after.entry(step.args["id"])
        there = entry is not None and wanted in entry.approvals
        if step.action == "withdraw":
            return f"the approval of {wanted.by} is still there" if there else None
        return None if there else f"{wanted.id} has no approval of {wanted.by} for this manifest"

    def locks(self, resource: str, params: ApproveParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune and another approval."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#approvals"))

    @action("approve")
    def approve(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write the record."""
        approvals.put(opened(session), decode(Approval, step.args))

    @action("withdraw")
    def withdraw(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take the record away."""
        wanted = decode(Approval, step.args)
        approvals.withdraw(opened(session), wanted.id, wanted.name)


def _refused(entry: Entry, params: ApproveParams) -> Because | None:
    if not entry.proven:
        return because("its level of proof", entry.level, "!=", "restored")
    for one in entry.approvals:
        if params.by == one.by or params.role == one.role:
            return because("approved already", str(one))
    return None


def _step(entry: Entry, facts: RepositoryFacts, params: ApproveParams, name: str) -> Step:
    record = Approval(entry.id, name, params.by, params.role, facts.at, entry.sha256, params.remark)
    args, on = encode(record), ("backup", entry.target, entry.id)
    reason = because(f"{params.by} as {params.role} approves the manifest with SHA-256", entry.sha256)
    return Step(f"approve {entry.id}", "approve", on, reason, reverse=Undo("withdraw", args), args=args, deadline=Duration(60))
