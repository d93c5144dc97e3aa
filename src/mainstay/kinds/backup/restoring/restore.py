"""Restore a backup into a new place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mainstay.kinds.backup.facts import RepositoryFacts, look, newest, obstacle, opened
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.plan import Cost, Impact, On, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.catalogue import Entry
from mainstay.vault.names import BackupId
from mainstay.vault.restore import Request, restore, scratch_name

_DEADLINE = Duration(6 * 3600)


@dataclass(frozen=True)
class RestoreParams:
    """What is restored, and where to."""

    target: Annotated[str, Setting("the target whose backup is restored", refers_to="target", example="db")]
    into: Annotated[
        str,
        Setting("the new place, a path or the name of a database; it must not exist; without it, beside the live one"),
    ] = ""
    backup: Annotated[
        str, Setting("the id of a backup or its beginning, or latest: the newest proven one", example="20261121T02")
    ] = "latest"
    only: Annotated[str, Setting("one table or one file of the backup", example="public.orders")] = ""


@dataclass(frozen=True)
class RestoreFacts:
    """The repository, where a copy of each backup, or of a part of it, would lie, and what is at the place that is looked at."""

    repository: RepositoryFacts
    beside: dict[str, str] = field(default_factory=dict)  # by id
    parts: dict[str, str] = field(default_factory=dict)  # by id: never the place of a whole copy, which can be put in place
    there: bool = False
    half_made: bool = False


class Restore(TaskKind[RestoreFacts, RestoreParams]):
    """Rebuild at a new place and compare; it appears there complete, or not at all. Nothing that exists is ever written to."""

    name = "restore"
    summary = "rebuild a backup at a new place, compared before it appears there"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RestoreFacts
    params = RestoreParams

    def observe(self, session: Session, on: On | None = None) -> RestoreFacts:
        """Read the catalogue, and look at the place that `on` names."""
        seen, stores = look(session, on, session.last and session.last.repository), session.stores
        if on is None:
            known = [(str(entry.id), stores[entry.target]) for entry in seen.catalogue.entries if entry.target in stores]
            beside, parts = ({id: store.beside(id[:16] + more) for id, store in known} for more in ("", "_part"))
            return RestoreFacts(seen, beside, parts)
        store, place = stores[on[1]], on[3]
        return RestoreFacts(seen, {}, {}, store.exists(place), store.exists(store.half_made(place, on[2])))

    def plan(self, facts: RestoreFacts, params: RestoreParams, name: str) -> list[Step | Skip]:
        """One step, or the reason why there is nothing to restore from."""
        on = ("restore", params.target)
        if (reason := obstacle(facts.repository)) is not None:
            return [Skip(on, reason, fails=True)]
        entries = facts.repository.of(params.target)
        if params.backup == "latest":
            entry = newest(one for one in entries if one.proven)
            return [_step(entry, params, facts)] if entry else [Skip(on, because("proven backups", 0), fails=True)]
        named = [one for one in entries if one.id.startswith(params.backup)]
        if len(named) != 1:
            return [Skip(on, because(f"backups whose id begins with {params.backup}", len(named), "!=", 1), fails=True)]
        return [_step(named[0], params, facts)]

    def verify(self, before: RestoreFacts, after: RestoreFacts, step: Step) -> str | None:
        """It is there now and was not before; a place gets its name only after the comparison."""
        if step.action == "clear":
            return "what was half made is still there" if after.half_made else None
        if before.there:
            return f"{step.args['into']} was there before"
        return None if after.there else f"{step.args['into']} is not there"

    def locks(self, resource: str, params: RestoreParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune; one restore to a place at a time."""
        return (Lock(resource, exclusive=False), Lock(f"restore:{params.target}:{params.into}"))

    @action("restore")
    def restore(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Rebuild beside the new place, compare, rename."""
        args, store = step.args, session.stores[step.args["target"]]
        work = session.work(deadline, step.cost.bytes)
        restore(opened(session), store, Request(BackupId(args["id"]), args["into"], args["only"]), work)

    @action("clear")
    def clear(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove what was half made; what was restored stays."""
        args, store = step.args, session.stores[step.args["target"]]
        store.remove(store.half_made(args["into"], args["id"]))
        opened(session).sweep(scratch_name(args["into"], BackupId(args["id"])))


def _step(entry: Entry, params: RestoreParams, facts: RestoreFacts) -> Step:
    place = params.into or (facts.parts if params.only else facts.beside)[entry.id]
    args = {"id": entry.id, "target": entry.target, "into": place, "only": params.only}
    reason = because("newest proven backup" if params.backup == "latest" else "chosen backup", entry.id)
    on, reverse = ("restore", entry.target, entry.id, place), Undo("clear", args)
    cost = Cost(bytes=entry.raw)
    return Step(f"restore {entry.target}", "restore", on, reason, Impact.LOAD, reverse, args, deadline=_DEADLINE, cost=cost)
