"""Back up every target of the repository."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mainstay.kinds.backup.copies.remotes import look_at_remotes
from mainstay.kinds.backup.facts import RepositoryFacts, Source, closed, look, newest, opened_or_made, sources
from mainstay.kinds.backup.making.conditions import conditions, refused
from mainstay.kinds.backup.making.signing import sign
from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.model.because import Finding, because
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId

_DEADLINE = Duration(6 * 3600)


class Backup(TaskKind[RepositoryFacts, NoParams]):
    """One new backup of each target; it is seen only when it is complete and was read back."""

    name = "backup"
    summary = "one complete, read-back backup of each target"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RepositoryFacts

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue, ask every target for its dump, and every remote whether it is there."""
        facts = look(session, on, session.last)
        if on:
            return facts
        entries = {str(entry.id): entry for entry in facts.catalogue.entries}
        return replace(facts, sources=sources(session), remotes=look_at_remotes(session, entries))

    def plan(self, facts: RepositoryFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """One step for each target."""
        reason = closed(facts)
        if reason is not None:
            return [Skip(("backup", target), reason, fails=True) for target in facts.settings.of]
        return [_decide(facts, source, name) for source in facts.sources]

    def assess(self, facts: RepositoryFacts, params: NoParams) -> list[Finding]:
        """What has to be so before a backup: see `conditions`."""
        return conditions(facts)

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The backup is in the catalogue, which shows complete ones only."""
        id = step.args["id"]
        return None if after.entry(id) else f"the repository has no backup {id}"

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """Beside readers of the repository, but one backup at a time."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#backup"))

    @action("backup")
    def backup(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Dump, store, read back, publish. A failed attempt leaves nothing; what a killed one left is removed first."""
        args, store = step.args, session.stores[step.args["target"]]
        repository = opened_or_made(session, args["repository"])
        previous = BackupId(args["previous"]) if args["previous"] else None
        order = Order(BackupId(args["id"]), args["target"], args["run"], session.site, session.ledger_head, previous)
        make(repository, store, order, session.work(deadline, step.cost.bytes), partial(sign, session))


def _decide(facts: RepositoryFacts, source: Source, name: str) -> Step | Skip:
    on, target = ("backup", source.target), source.target
    if (why_not := refused(facts, source)) is not None:
        return Skip(on, why_not, fails=True)
    last, id = newest(facts.of(target)), BackupId.of(facts.at, target, name)
    reason = because("backups", 0)
    if last is not None:
        reason = because("age of the newest backup", Duration((facts.at - last.created).total_seconds()))
    args = {"id": id, "target": target, "run": name, "previous": last.id if last else "", "repository": facts.identity}
    cost = Cost(bytes=source.bytes)
    return Step(f"backup {target}", "backup", on, reason, Impact.LOAD, args=args, deadline=_DEADLINE, cost=cost)
