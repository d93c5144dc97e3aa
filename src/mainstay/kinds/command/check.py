"""Ask the command's own checks."""

from __future__ import annotations

from mainstay.kinds.command import probes
from mainstay.kinds.command.probes import Facts
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass


class Check(TaskKind[Facts, NoParams]):
    """Whether the state that the command looks after is sound."""

    name = "check"
    summary = "Run the command's `after` check and say whether it passes"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Ask `before`, `after` and `done`."""
        return probes.observe(session)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """A failing `after` is critical; without one there is nothing to judge."""
        name = facts.command.program
        if facts.sound is None:
            return [Finding(Level.OK, name, because("no `after` check is configured", None))]
        level = Level.OK if facts.sound else Level.CRITICAL
        return [Finding(level, name, because("its `after` check passes", facts.sound, "==", True, "after"))]
