"""What is wrong with containers: by themselves, against what is declared, and against what was there before a run."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.docker.facts import Container, Facts, Service
from mainstay.model.because import Finding, Level, because

_UP = "docker compose up -d"


def declarations(facts: Facts) -> Iterator[Finding]:
    """Judge what is declared and missing, and what is there and not declared."""
    for service in facts.wanted:
        there = facts.of(service.name)
        running = sum(one.state == "running" or facts.rests(one) for one in there)
        if service.count and not there:
            yield Finding(Level.CRITICAL, service.name, because("no container of this service", None), _UP)
        elif not service.job and running < service.count and service.count > 1:
            yield Finding(Level.CRITICAL, service.name, because("running containers", running, "<", service.count), _UP)
    known = {service.name for service in facts.wanted}
    for one in facts.containers:
        if facts.closed and one.service not in known and one.state == "running":
            advice = "docker compose up -d --remove-orphans, or declare it; `profiles` names profiles that are in use"
            yield Finding(Level.WARNING, _on(one), because("it runs, and no Compose file declares it", None), advice)


def judged(one: Container, facts: Facts) -> Iterator[Finding]:
    """Judge one container."""
    declared = {service.name: service for service in facts.wanted}
    on, logs = _on(one), f"docker logs --tail 50 {one.name}"
    if facts.rests(one):
        yield Finding(Level.WARNING, on, because("stopped by a run, which starts it again", None), "mainstay status")
        return
    if one.killed_for_memory:
        advice = "it needs more memory, or a limit of its own inside the container"
        yield Finding(Level.CRITICAL, on, because("killed for memory, exit code", one.exit_code), advice)
    elif one.state != "running" and not _may_rest(one, declared.get(one.service)):
        why = f"{one.state}, exit code {one.exit_code}" + (f": {one.error}" if one.error else "")
        yield Finding(Level.CRITICAL, on, because("container is not running", why), logs)
    if one.state == "running" and one.health == "unhealthy":
        yield Finding(Level.CRITICAL, on, because("container unhealthy", None), f"docker inspect {one.name}: State.Health.Log")
    elif one.state == "running" and one.health == "starting":
        yield Finding(Level.WARNING, on, because("container is still starting", None), logs)
    restarted, most = facts.restarted[one.id], facts.settings.max_restarts
    if restarted > most:
        yield Finding(Level.WARNING, on, because("restarts since the previous look", restarted, ">", most, "max_restarts"), logs)


def worsened(before: Facts, after: Facts) -> Iterator[Finding]:
    """Demand the set of containers that was there before: as many of each service, as healthy, and none restarted by itself."""
    services = dict.fromkeys(one.service for one in (*before.containers, *after.containers))
    for service in services:
        was, now = (sum(one.well or facts.rests(one) for one in facts.of(service)) for facts in (before, after))
        if now < was:
            yield Finding(
                Level.CRITICAL, service, because("healthy containers", now, "<", was), "that many there were before the run"
            )
        elif now and not before.of(service):
            yield Finding(Level.WARNING, service, because("it runs, and was not there before the run", None))
    restarts, most = {one.id: one.restarts for one in before.containers}, after.settings.max_restarts
    for one in after.containers:
        more = one.restarts - min(restarts.get(one.id, 0), one.restarts)
        if more > most:
            why = because("restarts since before the run", more, ">", most, "max_restarts")
            yield Finding(Level.CRITICAL, _on(one), why, f"docker logs --tail 50 {one.name}")


def _may_rest(one: Container, declared: Service | None) -> bool:
    """Return whether a container that does not run is as it should be: it has done its work, and nobody asks for more."""
    if declared is None:
        return one.done
    return declared.count == 0 or (declared.job and one.state == "exited" and one.exit_code == 0)


def _on(one: Container) -> str:
    return one.service if one.service == one.name else f"{one.service} ({one.name})"
