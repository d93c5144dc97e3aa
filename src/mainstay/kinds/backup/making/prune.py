"""Remove backups that no rule wants any more."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.backup.facts import RepositoryFacts, look, obstacle, opened
from mainstay.kinds.backup.judging.objectives import figures
from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import Refused
from mainstay.model.figure import Figure
from mainstay.model.plan import Cost, Impact, Neutral, On, OneWay, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.names import BackupId
from mainstay.vault.prune import collect, drop, sweep
from mainstay.vault.repository import DROP, PART
from mainstay.vault.retention import Verdict, decide

_REASON = "retention (keep) no longer asks for it, and a newer proven backup of the same target stays"


class Prune(TaskKind[RepositoryFacts, NoParams]):
    """Retention by the setting `keep`: never the newest proven backup, never a held one, nothing while the newest is overdue."""

    name = "prune"
    summary = "remove backups that no rule of keep wants, with the reason for each that stays"
    task_class = TaskClass.CARE
    relieves = ("disk",)
    impact = Impact.NONE
    facts = RepositoryFacts

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue."""
        return look(session, on, session.last)

    def plan(self, facts: RepositoryFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """A step for each backup that goes, a reason for each that stays; what was half made goes too."""
        if (reason := obstacle(facts)) is not None:
            return [Skip(("repository", facts.name), reason, fails=True)]
        targets = sorted({entry.target for entry in facts.catalogue.entries})
        planned = [one for target in targets for one in _judged(facts, target)]
        return [*planned, *(_sweep(name) for name in facts.catalogue.leftovers), *_collect(facts)]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """That one is gone, and every other is still there."""
        if step.action == "sweep":
            return "it is still there" if step.args["part"] in after.catalogue.leftovers else None
        if step.action == "collect":
            return f"{after.catalogue.unneeded} are still there" if after.catalogue.unneeded else None
        id = step.args["id"]
        if after.entry(id) or f"{DROP}{id}" in after.catalogue.leftovers:
            return f"{id} is still there"
        lost = {entry.id for entry in before.catalogue.entries} - {entry.id for entry in after.catalogue.entries} - {id}
        return f"other backups are gone: {', '.join(sorted(lost))}" if lost else None

    def figures(self, facts: RepositoryFacts) -> Iterable[Figure]:
        """Return the stored bytes, so that what is given back is told."""
        return figures(facts)

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """The repository alone."""
        return (Lock(resource),)

    @action("drop")
    def drop(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take one backup out of sight, then remove it; a name that is held by now stays."""
        id = BackupId(step.args["id"])
        if f"backup:{session.target.name}/{id}" in session.held:
            raise Refused(
                "this backup is held", on=id, because="a run that is not settled needs it", next="settle that run first"
            )
        drop(opened(session), id)

    @action("sweep")
    def sweep(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove what somebody began and did not finish; a removal is finished, with what was known about the backup."""
        sweep(opened(session), step.args["part"])

    @action("collect")
    def collect(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove the stored files that no backup needs any more; nothing where a manifest cannot be read."""
        collect(opened(session))


def _judged(facts: RepositoryFacts, target: str) -> list[Step | Skip]:
    settings, entries = facts.settings, {entry.id: entry for entry in facts.of(target)}
    verdicts = decide(entries.values(), settings.keep, settings.max_age, facts.held, facts.at)
    return [
        Skip(("backup", target, one.id), one.because) if one.keep else _drop(one, target, Cost(bytes=entries[one.id].own))
        for one in verdicts
    ]


def _drop(verdict: Verdict, target: str, cost: Cost) -> Step:
    args, on, deadline = {"id": verdict.id}, ("backup", target, verdict.id), Duration(600)
    return Step(
        f"drop {verdict.id}", "drop", on, verdict.because, Impact.NONE, OneWay(_REASON), args, deadline=deadline, cost=cost
    )


def _sweep(part: str) -> Step:
    reason = because("half made, and nobody is at work on it", None)
    return Step(
        f"sweep {part}", "sweep", ("part", PART + part), reason, Impact.NONE, Neutral(), {"part": part}, deadline=Duration(600)
    )


def _collect(facts: RepositoryFacts) -> list[Step]:
    """Remove what a killed backup or prune left; none is known of where a manifest cannot be read."""
    seen = facts.catalogue
    if not seen.unneeded:
        return []
    reason, one_way = because("stored files that no backup needs", seen.unneeded), OneWay("no backup needs them")
    on, cost = ("objects", facts.name), Cost(bytes=seen.unneeded_bytes, files=seen.unneeded)
    return [Step("collect", "collect", on, reason, Impact.NONE, one_way, deadline=Duration(3600), cost=cost)]
