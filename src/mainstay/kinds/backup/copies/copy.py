"""Copy every backup to every remote."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from mainstay.kinds.backup.copies.remotes import RemoteFacts, reached
from mainstay.kinds.backup.facts import RepositoryFacts, look_with_remotes, obstacle
from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.catalogue import Entry
from mainstay.vault.copies import copy as copying
from mainstay.vault.copies.copies import part_name
from mainstay.vault.names import BackupId
from mainstay.vault.retention import Verdict, decide

_DEADLINE = Duration(24 * 3600)


class Copy(TaskKind[RepositoryFacts, NoParams]):
    """What is missing at a remote goes there, newest first: encrypted and signed here, seen there when it is complete."""

    name = "copy"
    summary = "copy each backup to each remote, encrypted and signed; what is there is not sent again"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RepositoryFacts

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue, and what is at the remotes, or at the one that `on` names."""
        return look_with_remotes(session, on)

    def plan(self, facts: RepositoryFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """One step for each backup that a remote lacks and that its retention would keep."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("copy", remote.name), reason, fails=True) for remote in facts.remotes]
        return [one for remote in facts.remotes for one in _decided(facts, remote)]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The remote shows it, and shows complete ones only; and here nothing is left of the work."""
        remote = after.remote(step.args["remote"])
        if part_name(step.args["remote"]) in after.catalogue.leftovers:
            return "what the copy needed here is still there"
        return None if remote and remote.entry(step.args["id"]) else f"{step.args['id']} is not at {step.args['remote']}"

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune; one copy at a time."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#copies"))

    @action("copy")
    def copy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Encrypt, send, compare, sign; a killed attempt is gone on with."""
        proven = datetime.fromisoformat(step.args["proven"]) if step.args["proven"] else None
        with reached(session, step.args["remote"]) as copies:
            copying.copy(copies, BackupId(step.args["id"]), proven, session.work(deadline, step.cost.bytes))


def _decided(facts: RepositoryFacts, remote: RemoteFacts) -> list[Step | Skip]:
    if remote.trouble:
        return [Skip(("copy", remote.name), because(remote.trouble, None), fails=True)]
    lacking = [entry for entry in reversed(facts.catalogue.entries) if not remote.entry(entry.id)]
    if not lacking:
        return [Skip(("copy", remote.name), because("backups that are not there", 0))]
    return [_judged(facts, remote, entry) for entry in lacking]


def _judged(facts: RepositoryFacts, remote: RemoteFacts, entry: Entry) -> Step | Skip:
    on = ("copy", remote.name, entry.id)
    if trouble := (*entry.missing, *entry.differences):
        return Skip(on, because("the backup is damaged", trouble[0]), fails=True)
    verdict = next(one for one in judged(facts, remote, entry.target) if one.id == entry.id)
    if not verdict.keep:
        return Skip(on, verdict.because)
    args = {"remote": remote.name, "id": entry.id, "proven": entry.proven.isoformat() if entry.proven else ""}
    reason = because("age of the backup, which is not there", Duration((facts.at - entry.created).total_seconds()))
    cost = Cost(bytes=3 * entry.own)  # hashed, sent, compared
    return Step(f"copy {entry.id} to {remote.name}", "copy", on, reason, Impact.LOAD, args=args, deadline=_DEADLINE, cost=cost)


def judged(facts: RepositoryFacts, remote: RemoteFacts, target: str) -> list[Verdict]:
    """Judge the copies of a target at a remote, and the backups that are not there yet, by the retention of the remote."""
    settings = facts.settings.copies[remote.name]
    entries = [*remote.of(target), *(entry for entry in facts.of(target) if not remote.entry(entry.id))]
    limit = Duration(facts.settings.max_age + settings.max_lag)
    verdicts = decide(entries, settings.keep, limit, facts.held, facts.at)
    return [replace(one, because=replace(one.because, param=_place(remote.name, one.because.param))) for one in verdicts]


def _place(remote: str, param: str) -> str:
    return f"copies.{remote}.{param}" if param.startswith("keep.") else param
