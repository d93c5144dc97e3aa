"""Look at packages: how long patches took from publication to deployment, and what waits."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.packages import judgement
from mainstay.kinds.packages.facts import Facts
from mainstay.kinds.packages.look import look
from mainstay.model.because import Finding
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass


class Check(TaskKind[Facts, NoParams]):
    """Read what dpkg and apt have written; nothing is installed, fetched or locked."""

    name = "check"
    summary = "time from the publication of patches to their deployment, updates that wait, age of the lists, reboot required"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Read dpkg's log, changelogs and apt's lists; remember what was seen waiting."""
        return look(session)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Say what waits too long, what was late, and how far this can be trusted; then what was seen."""
        return [*judgement.waits(facts), *judgement.late(facts), *judgement.doubts(facts), *judgement.seen(facts)]

    def figures(self, facts: Facts) -> Iterable[Figure]:
        """Return what waits, and the patch times of the window."""
        return judgement.figures(facts)
