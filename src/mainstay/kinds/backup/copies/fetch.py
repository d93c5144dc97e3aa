"""Bring a backup back from a remote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from mainstay.kinds.backup.copies.remotes import RemoteFacts, look_at_remotes, reached
from mainstay.kinds.backup.facts import RepositoryFacts, closed, look, opened_or_made
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.copies import fetch as fetching
from mainstay.vault.names import BackupId

_DEADLINE = Duration(24 * 3600)


@dataclass(frozen=True)
class FetchParams:
    """What is brought, from where, and the key that opens it."""

    remote: Annotated[str, Setting("the name of the remote, as in `copies`", example="bucket")]
    target: Annotated[str, Setting("the target whose backup is brought", refers_to="target", example="db")]
    key: Annotated[Path, Setting("the escrow text, or another file with the private key", example="/root/escrow.txt")]
    backup: Annotated[str, Setting("the id of a backup or its beginning, or latest", example="20261121T02")] = "latest"


class Fetch(TaskKind[RepositoryFacts, FetchParams]):
    """On a host that has this configuration and the escrow text alone, the repository is made; `prove` and `restore` follow.

    There the copies are known by their ids until the escrowed key checks their signatures, which is the first thing the act does.
    """

    name = "fetch"
    summary = "bring a backup from a remote into the repository: checked, then decrypted"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RepositoryFacts
    params = FetchParams

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue; before a plan, what is at the remotes too."""
        facts = look(session, None, session.last)
        return facts if on else replace(facts, remotes=look_at_remotes(session, {}))

    def plan(self, facts: RepositoryFacts, params: FetchParams, name: str) -> list[Step | Skip]:
        """One step, or the reason why there is nothing to bring."""
        on, remote = ("fetch", params.remote), facts.remote(params.remote)
        if (reason := closed(facts)) is not None:
            return [Skip(on, reason, fails=True)]
        if remote is None or remote.trouble:
            return [Skip(on, because(remote.trouble if remote else "there is no such remote in `copies`", None), fails=True)]
        return [_chosen(facts, remote, params, on)]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The catalogue shows it, and shows complete ones only."""
        entry = after.entry(step.args["id"])
        if before.entry(step.args["id"]):
            return f"{step.args['id']} was here before"
        return None if entry and not entry.missing else f"{step.args['id']} is not here"

    def locks(self, resource: str, params: FetchParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#backup"))

    @action("fetch")
    def fetch(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Check, decrypt, publish. A failed attempt leaves nothing but objects, which the next one uses."""
        opened_or_made(session, step.args["repository"])
        key = Path(step.args["key"])
        with reached(session, step.args["remote"], key) as copies:
            fetching.fetch(copies, BackupId(step.args["id"]), key, session.work(deadline, 2 * step.cost.bytes))


def _chosen(facts: RepositoryFacts, remote: RemoteFacts, params: FetchParams, on: tuple[str, ...]) -> Step | Skip:
    stored = {entry.id: entry.stored for entry in remote.seen.entries}
    ids = sorted(BackupId(id) for id in (*stored, *(id for id, _ in remote.seen.damaged)))
    ids = [id for id in ids if id.is_of(params.target)]
    named = ids[-1:] if params.backup == "latest" else [id for id in ids if id.startswith(params.backup)]
    if len(named) != 1:
        return Skip(
            on, because(f"copies of {params.target} whose id begins with {params.backup}", len(named), "!=", 1), fails=True
        )
    id = named[0]
    if facts.entry(id):
        return Skip(on, because("this backup is here already", id))
    args = {"remote": remote.name, "id": id, "key": str(params.key), "repository": facts.identity}
    reason = because("newest copy" if params.backup == "latest" else "chosen copy", id)
    cost, where = Cost(bytes=stored.get(id, 0)), ("fetch", remote.name, id)
    return Step(f"fetch {id}", "fetch", where, reason, Impact.LOAD, args=args, deadline=_DEADLINE, cost=cost)
