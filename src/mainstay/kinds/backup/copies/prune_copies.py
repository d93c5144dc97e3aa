"""Remove copies that no rule of their remote wants any more, and files there that no copy needs."""

from __future__ import annotations

from mainstay.kinds.backup.copies.copy import judged
from mainstay.kinds.backup.copies.remotes import RemoteFacts, reached
from mainstay.kinds.backup.facts import RepositoryFacts, look_with_remotes, obstacle
from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, Neutral, On, OneWay, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.copies import thinning
from mainstay.vault.copies.copies import part_name
from mainstay.vault.names import BackupId

_DROP = "retention (keep of this remote) no longer asks for it, and a newer proven copy of the same target stays there"


class PruneCopies(TaskKind[RepositoryFacts, NoParams]):
    """Retention by the `keep` of each remote: never the newest proven copy there, and nothing while a list cannot be trusted."""

    name = "prune_copies"
    summary = "remove copies that no rule of their remote wants, and files there that no copy needs"
    task_class = TaskClass.CARE
    facts = RepositoryFacts

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue, and list every file at the remotes, or at the one that `on` names."""
        return look_with_remotes(session, on, count=True)

    def plan(self, facts: RepositoryFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """A step for each copy that goes, or for what nobody needs; a reason for each copy that stays."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("copy", remote.name), reason, fails=True) for remote in facts.remotes]
        return [one for remote in facts.remotes for one in _decided(facts, remote)]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """That one is gone, and every other copy is still there."""
        was, now = before.remote(step.args["remote"]), after.remote(step.args["remote"])
        if was is None or now is None:
            return "the remote was not looked at"
        if part_name(now.name) in after.catalogue.leftovers:
            return "what the removal needed here is still there"
        if step.action == "collect":
            if now.uncertain or now.unneeded:
                return now.uncertain or f"{now.unneeded[0]} is still there"
            return None if was.unneeded else "there was nothing to remove"
        id = step.args["id"]
        if now.entry(id) or id in now.seen.unfinished:
            return f"{id} is still there"
        lost = {entry.id for entry in was.seen.entries} - {entry.id for entry in now.seen.entries} - {id}
        return f"other copies are gone: {', '.join(sorted(lost))}" if lost else None

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """Beside users of the repository, but not beside a copy."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#copies"))

    @action("drop")
    def drop(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove one copy, its signature first, and what no other needs."""
        with reached(session, step.args["remote"]) as copies:
            thinning.drop(copies, BackupId(step.args["id"]), session.work(deadline))

    @action("collect")
    def collect(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove what no copy needs."""
        with reached(session, step.args["remote"]) as copies:
            thinning.collect(copies, session.work(deadline))


def _decided(facts: RepositoryFacts, remote: RemoteFacts) -> list[Step | Skip]:
    if reason := _halt(remote):
        return [Skip(("copy", remote.name), reason)]
    planned: list[Step | Skip] = []
    for target in sorted({entry.target for entry in remote.seen.entries}):
        for verdict in judged(facts, remote, target):
            entry, on = remote.entry(verdict.id), ("copy", remote.name, verdict.id)
            if entry:
                cost = Cost(bytes=entry.stored)
                planned.append(Skip(on, verdict.because) if verdict.keep else _drop(on, verdict.because, cost))
    drops = any(isinstance(one, Step) for one in planned)
    return planned if drops or not remote.unneeded else [*planned, _collect(remote)]


def _halt(remote: RemoteFacts) -> Because | None:
    """Say why nothing at all may go at a remote."""
    if remote.trouble or remote.uncertain:
        return because(remote.trouble or remote.uncertain, None)
    return because("a copy is damaged", remote.seen.damaged[0][1]) if remote.seen.damaged else None


def _drop(on: tuple[str, str, str], reason: Because, cost: Cost) -> Step:
    args, what = {"remote": on[1], "id": on[2]}, f"drop {on[2]} at {on[1]}"
    return Step(what, "drop", on, reason, Impact.NONE, OneWay(_DROP), args, deadline=Duration(3600), cost=cost)


def _collect(remote: RemoteFacts) -> Step:
    """Remove what a killed copy left; a drop does it along the way."""
    reason, on = because("files there that no copy needs", len(remote.unneeded)), ("copy", remote.name)
    args, cost, deadline = {"remote": remote.name}, Cost(files=len(remote.unneeded)), Duration(6 * 3600)
    what = f"collect at {remote.name}"
    return Step(what, "collect", on, reason, Impact.NONE, Neutral(), args, deadline=deadline, cost=cost)
