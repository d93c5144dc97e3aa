"""Does the log come in, without a gap and in time, and to which moments can a recovery go."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.postgres.recovery import rules
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts, look
from mainstay.model.because import Finding
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass


class ArchiveCheck(TaskKind[ArchiveFacts, NoParams]):
    """Compares the archive with the server, and reads names only; a server that is down is told, too."""

    name = "archive"
    summary = "the archive for recovery to a point in time: lag, RPO, gaps, slot, base backups, room, and what can be reached"
    task_class = TaskClass.CHECK
    facts = ArchiveFacts

    def observe(self, session: Session, on: On | None = None) -> ArchiveFacts:
        """List the archive, and ask the server how far it is."""
        return look(session)

    def assess(self, facts: ArchiveFacts, params: NoParams) -> list[Finding]:
        """Judge it; the last finding tells the moments that can be reached."""
        return rules.judge(facts)

    def figures(self, facts: ArchiveFacts) -> Iterable[Figure]:
        """RPO and RTO in seconds, bytes behind, and the size of the archive."""
        return rules.figures(facts)
