"""Remove base backups that nobody needs any more, and the log below the oldest one that stays."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.kinds.postgres.recovery import packing, retention, segments
from mainstay.kinds.postgres.recovery.base import kept
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts, configured, look
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.kinds.postgres.recovery.retention import Verdict
from mainstay.model.because import because
from mainstay.model.errors import Refused
from mainstay.model.plan import Cost, Impact, Neutral, On, OneWay, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.names import BackupId

_REASON = "archive.keep no longer asks for it, and a newer proven base backup stays"
_BELOW = "no base backup that stays needs it"


class ArchivePrune(TaskKind[ArchiveFacts, NoParams]):
    """Retention by `archive.keep`: never the newest proven base, never log that a kept one needs, and never a file of pg_wal."""

    name = "archive_prune"
    summary = "remove base backups that archive.keep does not ask for, and the log below the oldest that stays"
    task_class = TaskClass.CARE
    relieves = ("disk",)
    facts = ArchiveFacts

    def observe(self, session: Session, on: On | None = None) -> ArchiveFacts:
        """List the archive; the server is not needed."""
        return look(session, server=False)

    def plan(self, facts: ArchiveFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """A step for each base backup that goes, then one for the log; a reason for each that stays."""
        verdicts = retention.decide(facts.bases, facts.settings.keep, facts.held, facts.at)
        drops = [_drop(one) for one in verdicts if not one.keep]
        stay = [Skip(("base", one.kept.base.id), one.because) for one in verdicts if one.keep]
        return [*drops, *stay, _trim(facts, verdicts, tuple(one.id for one in drops))]

    def verify(self, before: ArchiveFacts, after: ArchiveFacts, step: Step) -> str | None:
        """That is gone, and everything else is still there."""
        if step.action == "drop_base":
            id = step.args["id"]
            lost = {one.base.id for one in before.bases} - {one.base.id for one in after.bases} - {id}
            return f"{id} is still there" if after.base(id) or f"drop-{id}" in after.parts else _told(lost)
        if any(one.first < step.args["below"] for one in after.wal.stretches):
            return "log is still there"
        missing = _numbers(before, step.args["below"]) - _numbers(after, step.args["below"])
        return f"log is gone that stays: {len(missing)} segments" if missing else None

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """What the archive keeps, alone; the server is not touched."""
        return (Lock(f"{resource}#archive"),)

    @action("drop_base")
    def drop_base(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take one out of sight, then remove it; one that is held by now stays."""
        id = BackupId(step.args["id"])
        if f"archive:{session.target.name}/{id}" in session.held:
            raise Refused("this base backup is held", on=id, because="a run that is not settled needs it", next="settle that run")
        Archive(configured(session).path).drop(id)

    @action("trim")
    def trim(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove segments and labels strictly below a segment, unless a base backup that is there needs one of them."""
        archive, below = Archive(configured(session).path), step.args["below"]
        size = archive.read().segment
        if needing := [one.base.id for one in kept(archive)[0] if one.base.first(size) < below]:
            raise Refused("a base backup needs this log", on=needing[0], because="it is still there", next="run the task again")
        for path in [*archive.wal.iterdir(), *archive.receiving.glob(f"*{segments.PARTIAL}")]:
            session.pulse(deadline)
            name = path.name.removesuffix(packing.SUFFIX)
            if segments.SEGMENT.match(name) and segments.place_of(name, size)[1] < below:
                path.unlink()


def _drop(verdict: Verdict) -> Step:
    id, cost = verdict.kept.base.id, Cost(bytes=verdict.kept.base.stored)
    reverse, deadline = OneWay(_REASON), Duration(600)
    on = ("base", id)
    return Step(f"drop {id}", "drop_base", on, verdict.because, Impact.NONE, reverse, {"id": id}, deadline=deadline, cost=cost)


def _trim(facts: ArchiveFacts, verdicts: list[Verdict], needs: tuple[str, ...]) -> Step | Skip:
    below, on = retention.oldest_needed(verdicts, facts.wal.segment), ("log", facts.name)
    gone = sum(min(one.last + 1, below) - one.first for one in facts.wal.stretches if one.first < below) if below else 0
    if below is None or not gone:
        return Skip(on, because("segments below the oldest base backup that stays", gone))
    reason, reverse = because("segments below the oldest base backup that stays", gone), Neutral()
    args, cost, deadline = {"below": below}, Cost(files=gone, bytes=gone * facts.wal.segment), Duration(3600)
    return Step("trim", "trim", on, reason, Impact.NONE, OneWay(_BELOW) if needs else reverse, args, needs, deadline, cost)


def _numbers(facts: ArchiveFacts, since: int) -> set[tuple[int, int]]:
    return set(_places(facts, since))


def _places(facts: ArchiveFacts, since: int) -> Iterator[tuple[int, int]]:
    for one in facts.wal.stretches:
        yield from ((one.timeline, number) for number in range(max(one.first, since), one.last + 1))


def _told(lost: set[BackupId]) -> str | None:
    return f"other base backups are gone: {', '.join(sorted(lost))}" if lost else None
