"""Find lock files whose process is gone."""

from __future__ import annotations

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass

from .facts import Facts, in_use, look


class Check(TaskKind[Facts, NoParams]):
    """Compare each file with the processes of this host."""

    name = "check"
    summary = "lock files whose process is gone"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Read every lock file."""
        return look(session, on)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """One warning for each stale file, or one line that says what was seen."""
        stale = [file for file in facts.files if not in_use(file, facts)]
        advice = "run the task remove"
        found = [Finding(Level.WARNING, one.path, because("its process is gone", one.pid), advice) for one in stale]
        return found or [Finding(Level.OK, str(facts.settings.folder), because("lock files, none stale", len(facts.files)))]
