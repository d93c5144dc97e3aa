"""Look at containers: each service that is declared runs, is healthy, and has not been restarted or killed."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.docker import judgement
from mainstay.kinds.docker.engine import look
from mainstay.kinds.docker.facts import Facts
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass


class Check(TaskKind[Facts, NoParams]):
    """Ask the engine; nothing is started or stopped."""

    name = "check"
    summary = "state, health, restarts and exit codes of every service"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Look at every container, and remember how often each had been restarted at the previous look."""
        return look(session, {one.id: one.restarts for one in session.last.containers} if session.last else {})

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge what is missing, then each container; one line of what was seen when all is well."""
        found = [
            *judgement.declarations(facts),
            *(one for container in facts.containers for one in judgement.judged(container, facts)),
        ]
        return found or [_seen(facts)]

    def worsened(self, before: Facts, after: Facts, params: NoParams) -> list[Finding]:
        """Demand the same set of containers as before the run."""
        return list(judgement.worsened(before, after))

    def figures(self, facts: Facts) -> Iterable[Figure]:
        """Return how many run, and how many are not healthy."""
        running = [one for one in facts.containers if one.state == "running"]
        yield Figure("running", len(running), "")
        yield Figure("unhealthy", sum(one.health == "unhealthy" for one in running), "")
        yield Figure("restarts", sum(facts.restarted.values()), "")


def _seen(facts: Facts) -> Finding:
    running = [one for one in facts.containers if one.state == "running"]
    healthy = sum(one.health == "healthy" for one in running)
    on = facts.project or facts.settings.project or "containers"
    return Finding(Level.OK, on, because("running", f"{len(running)}, {healthy} with health"))
