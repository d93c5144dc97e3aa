"""Compare copies with their signed lists."""

from __future__ import annotations

from datetime import datetime

from mainstay.kinds.backup.copies.remotes import RemoteFacts, reached
from mainstay.kinds.backup.facts import RepositoryFacts, look_with_remotes, newest
from mainstay.kinds.backup.making.verify import VerifyParams
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.catalogue import Entry
from mainstay.vault.copies import copies as copying
from mainstay.vault.names import BackupId

_DEADLINE = Duration(24 * 3600)


class VerifyCopies(TaskKind[RepositoryFacts, VerifyParams]):
    """Every file of a copy, by the checksum that the remote keeps or a full read; what was altered or is missing is named."""

    name = "verify_copies"
    summary = "compare every file of the newest or of all copies with its signed list"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RepositoryFacts
    params = VerifyParams

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue, and what is at the remotes, or at the one that `on` names."""
        return look_with_remotes(session, on)

    def plan(self, facts: RepositoryFacts, params: VerifyParams, name: str) -> list[Step | Skip]:
        """One step for each copy that is to be compared."""
        return [one for remote in facts.remotes for one in _decided(remote, params)]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The record of a newer look says that nothing differs."""
        was, now = (_read(facts, step) for facts in (before, after))
        return None if now and now != was else f"{step.args['id']} at {step.args['remote']} was not found sound"

    def locks(self, resource: str, params: VerifyParams) -> tuple[Lock, ...]:
        """Beside users of the repository, but not beside a copy or a removal."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#copies"))

    @action("verify")
    def compare(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Compare, write down what was found, and fail with the first difference."""
        id, proven = BackupId(step.args["id"]), step.args["proven"]
        with reached(session, step.args["remote"]) as copies:
            when = datetime.fromisoformat(proven) if proven else None
            found = copying.verify(copies, id, when, session.work(deadline, step.cost.bytes))
        if found.problems:
            because, next = "; ".join(found.problems[:5]), "keep the others; copy the next backup, which sends new files"
            raise StepFailed("a copy is damaged", on=f"{id} at {step.args['remote']}", because=because, next=next)


def _decided(remote: RemoteFacts, params: VerifyParams) -> list[Step | Skip]:
    if remote.trouble:
        return [Skip(("copy", remote.name), because(remote.trouble, None), fails=True)]
    entries = remote.seen.entries
    if params.which == "latest":
        latest = (newest(remote.of(target)) for target in sorted({entry.target for entry in entries}))
        entries = tuple(entry for entry in latest if entry)
    return [_step(remote.name, entry) for entry in entries] or [Skip(("copy", remote.name), because("copies", 0))]


def _step(remote: str, entry: Entry) -> Step:
    args = {"remote": remote, "id": entry.id, "proven": entry.proven.isoformat() if entry.proven else ""}
    reason, on, cost = because("last compared", str(entry.read or "never")), ("copy", remote, entry.id), Cost(bytes=entry.stored)
    what = f"verify {entry.id} at {remote}"
    return Step(what, "verify", on, reason, Impact.LOAD, args=args, deadline=_DEADLINE, cost=cost)


def _read(facts: RepositoryFacts, step: Step) -> datetime | None:
    """Return when the copy was last compared and found right."""
    remote = facts.remote(step.args["remote"])
    entry = remote.entry(step.args["id"]) if remote else None
    return entry.read if entry and not entry.differences else None
