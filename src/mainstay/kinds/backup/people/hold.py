"""Keep backups, whatever the rules of retention say, until a person releases them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from mainstay.kinds.backup.facts import RepositoryFacts, look, obstacle, opened
from mainstay.kinds.backup.restoring.choosing import LATEST, aged, chosen
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.codec import decode, encode
from mainstay.model.plan import On, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault import holds
from mainstay.vault.catalogue import Entry
from mainstay.vault.holds import Hold as Record

_DEADLINE = Duration(60)


@dataclass(frozen=True)
class HoldParams:
    """Which backups are kept, and what is to be remembered of it."""

    reason: Annotated[str, Setting("why they are kept; it stands in every list", example="tax audit 2026")]
    by: Annotated[str, Setting("who wants it", example="ann")] = "the routine"
    backup: Annotated[str, Setting("the beginning of an id, latest (the newest of each target), or all", example="202611")] = (
        LATEST
    )
    target: Annotated[str, Setting("only backups of this target", refers_to="target", example="db")] = ""
    older: Annotated[Duration, Setting("only backups of at least this age", ge=0, example="30d")] = Duration(0)
    younger: Annotated[Duration, Setting("only backups of at most this age; 0 is no limit", ge=0, example="90d")] = Duration(0)
    lasts: Annotated[Duration, Setting("how long they are kept; 0 is until they are released", ge=0, example="30d")] = Duration(0)


class Hold(TaskKind[RepositoryFacts, HoldParams]):
    """A record in the repository for each backup; a prune looks for it again before it takes one."""

    name = "hold"
    summary = "keep backups whatever the rules of keep say, with who wants it and why"
    task_class = TaskClass.BACKUP
    facts = RepositoryFacts
    params = HoldParams

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue."""
        return look(session, on, session.last)

    def plan(self, facts: RepositoryFacts, params: HoldParams, name: str) -> list[Step | Skip]:
        """One step for each backup that is meant and not held yet."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("repository", facts.name), reason, fails=True)]
        found = aged(chosen(facts, params.backup, params.target), facts.at, params.older, params.younger)
        none = Skip(("repository", facts.name), because("backups that are meant", 0))
        return [_decide(facts, entry, params) for entry in found] or [none]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The very record is there, or, taken back, is not."""
        return verify_hold(after, step)

    def locks(self, resource: str, params: HoldParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune and another hold."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#holds"))

    @action("hold")
    def hold(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write the record."""
        holds.put(opened(session), decode(Record, step.args))

    @action("release")
    def release(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take the record away."""
        holds.release(opened(session), decode(Record, step.args).id)


def verify_hold(after: RepositoryFacts, step: Step) -> str | None:
    """Say why the record of a step is not as it has to be after its action."""
    wanted, entry = decode(Record, step.args), after.entry(step.args["id"])
    if entry is None:
        return f"the repository has no backup {wanted.id}"
    if step.action == "release":
        return f"{wanted.id} is still {entry.hold}" if entry.hold else None
    return None if entry.hold == wanted else f"{wanted.id} is not {wanted}"


def _decide(facts: RepositoryFacts, entry: Entry, params: HoldParams) -> Step | Skip:
    on = ("backup", entry.target, entry.id)
    if entry.hold and entry.hold.holds(facts.at):
        return Skip(on, because(str(entry.hold), None))
    until = facts.at + timedelta(seconds=params.lasts) if params.lasts else None
    args = encode(Record(entry.id, params.by, facts.at, params.reason, until))
    reason = because(f"{params.by} wants it kept", params.reason)
    return Step(f"hold {entry.id}", "hold", on, reason, reverse=Undo("release", args), args=args, deadline=_DEADLINE)
