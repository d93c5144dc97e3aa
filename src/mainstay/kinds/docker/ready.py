"""Wait until the services are up: in the order of their dependencies, healthy, steady, and without fatal errors in their logs."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.docker import judgement
from mainstay.kinds.docker.startup import Startup, wait
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration


class Ready(TaskKind[Startup, NoParams]):
    """Wait, then observe; a start-up that does not succeed in time is a finding that names what it waits for."""

    name = "ready"
    summary = "wait for every service in the order of their dependencies, until it is healthy, steady and logs nothing fatal"
    task_class = TaskClass.CHECK
    facts = Startup

    def observe(self, session: Session, on: On | None = None) -> Startup:
        """Look until every service is well or the time is over, then for `ready.steady` longer, then at the logs."""
        return wait(session)

    def assess(self, facts: Startup, params: NoParams) -> list[Finding]:
        """Say what was waited for in vain, what did not stay well, and whose log is not; else how long it took."""
        patience, found = facts.seen.settings.ready, []
        if facts.waits_for:
            advice = f"well by then: {_names(facts) or 'none'}; docker compose logs {facts.waits_for}"
            why = because("not up after", patience.within, ">=", patience.within, "ready.within")
            found.append(Finding(Level.CRITICAL, facts.waits_for, why, advice))
        for name in facts.unsteady:
            why = because("restarted, replaced or ill within", patience.steady, "<=", patience.steady, "ready.steady")
            found.append(Finding(Level.CRITICAL, name, why, f"docker logs --tail 50 {name}"))
        for name, count in facts.fatal.items():
            found.append(
                Finding(
                    Level.CRITICAL, name, because("fatal lines in its log since it was started", count), f"docker logs {name}"
                )
            )
        return found or [Finding(Level.OK, facts.seen.project, because("up", f"{_names(facts)}, after {_took(facts)}"))]

    def worsened(self, before: Startup, after: Startup, params: NoParams) -> list[Finding]:
        """Demand the same set of containers as before the run."""
        return list(judgement.worsened(before.seen, after.seen))

    def figures(self, facts: Startup) -> Iterable[Figure]:
        """Return the time until all of them were well."""
        if not facts.waits_for:
            yield Figure("time to healthy", _took(facts), "s")


def _names(facts: Startup) -> str:
    return ", ".join(one.service for one in facts.up)


def _took(facts: Startup) -> Duration:
    return max((one.after for one in facts.up), default=Duration(0))
