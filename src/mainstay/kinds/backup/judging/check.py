"""Is every target's newest proven backup young enough, and is the repository in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mainstay.kinds.backup.copies.copy_findings import copy_findings
from mainstay.kinds.backup.copies.remotes import look_at_keys
from mainstay.kinds.backup.facts import RepositoryFacts, closed, look_with_remotes, opened
from mainstay.kinds.backup.judging.criteria import judged
from mainstay.kinds.backup.judging.drilled import deviations
from mainstay.kinds.backup.judging.objectives import figures
from mainstay.kinds.backup.judging.order import disorder
from mainstay.kinds.backup.judging.protection import gaps
from mainstay.kinds.backup.judging.rehearsed import rehearsals
from mainstay.kinds.backup.judging.review import review
from mainstay.kinds.backup.making.room import tight
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.vault.drill import last
from mainstay.vault.rehearsal import newest


class Check(TaskKind[RepositoryFacts, NoParams]):
    """Reads manifests and proofs, and no object."""

    name = "check"
    summary = "age, size, content and proof of the newest backups, their copies, recovery objectives, room, gaps, damage and keys"
    task_class = TaskClass.CHECK
    facts = RepositoryFacts

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue, earlier manifests, what is at the remotes, and the other targets of the site."""
        facts = look_with_remotes(session, on)
        drill, made = (last(opened(session)), newest(opened(session))) if facts.identity else (None, ())
        return replace(facts, review=review(session, facts), drill=drill, rehearsals=made, keys=look_at_keys(session))

    def figures(self, facts: RepositoryFacts) -> Iterable[Figure]:
        """Return sizes, and what would be lost and how long a restore takes, as measured."""
        return figures(facts)

    def assess(self, facts: RepositoryFacts, params: NoParams) -> list[Finding]:
        """Findings about each target, about room, gaps, and everything that is out of order."""
        if (reason := closed(facts)) is not None:
            return [Finding(Level.CRITICAL, "repository", reason, "mount its disk, or correct repository.path")]
        found = [one for target in facts.settings.of for one in judged(facts, target)]
        return [
            *found,
            *tight(facts),
            *gaps(facts),
            *deviations(facts),
            *rehearsals(facts),
            *disorder(facts),
            *copy_findings(facts),
        ]
