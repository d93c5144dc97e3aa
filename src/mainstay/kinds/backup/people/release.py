"""Give backups that were held back to the rules of retention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.backup.facts import RepositoryFacts, look, obstacle, opened
from mainstay.kinds.backup.people.hold import verify_hold
from mainstay.kinds.backup.restoring.choosing import chosen
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


@dataclass(frozen=True)
class ReleaseParams:
    """Which backups are no longer held."""

    backup: Annotated[str, Setting("the beginning of an id, or all", example="20261121T02")]
    reason: Annotated[str, Setting("why they need not be kept any more", example="the audit is over")]
    by: Annotated[str, Setting("who says so", example="ann")] = "the routine"


class Release(TaskKind[RepositoryFacts, ReleaseParams]):
    """Takes the records of holds away; the backups themselves are left to the next prune."""

    name = "release"
    summary = "end the hold on backups, so that the rules of keep decide again"
    task_class = TaskClass.BACKUP
    facts = RepositoryFacts
    params = ReleaseParams

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue."""
        return look(session, on, session.last)

    def plan(self, facts: RepositoryFacts, params: ReleaseParams, name: str) -> list[Step | Skip]:
        """One step for each backup that is meant and held."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("repository", facts.name), reason, fails=True)]
        steps: list[Step | Skip] = [_step(entry, params) for entry in chosen(facts, params.backup) if entry.hold]
        return steps or [Skip(("repository", facts.name), because("held backups that are meant", 0))]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The record is gone, or, taken back, there again."""
        return verify_hold(after, step)

    def locks(self, resource: str, params: ReleaseParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune and a hold."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#holds"))

    @action("release")
    def release(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take the record away."""
        holds.release(opened(session), decode(Record, step.args).id)

    @action("hold")
    def hold(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write it again."""
        holds.put(opened(session), decode(Record, step.args))


def _step(entry: Entry, params: ReleaseParams) -> Step:
    args = encode(entry.hold)
    reason, on = because(f"{params.by} releases what is {entry.hold}", params.reason), ("backup", entry.target, entry.id)
    return Step(f"release {entry.id}", "release", on, reason, reverse=Undo("hold", args), args=args, deadline=Duration(60))
