"""Look at containers: each service that is declared runs, is healthy, and has not been restarted or killed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from mainstay.kinds.docker.facts import Container, Facts
from mainstay.kinds.docker.settings import Settings
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.errors import Unreachable
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.system import clock

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"


class Check(TaskKind[Facts, NoParams]):
    """Ask the engine; nothing is started or stopped."""

    name = "check"
    summary = "state, health, restarts and exit codes of every service"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """List what belongs to the target, and inspect it in one call."""
        settings: Settings = session.target.settings
        kept = {one.id: one.restarts for one in session.last.containers} if session.last else {}
        found = [_container(one) for one in _inspected(session, settings)]
        held = tuple(sorted(session.held & {one.name for one in found}))
        return Facts(clock.now(), settings, tuple(sorted(found, key=lambda one: (one.service, one.name))), kept, held)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge what is missing, then each container; one line of what was seen when all is well."""
        there = {one.service for one in facts.containers}
        missing = [name for name in facts.settings.services if name not in there]
        found = [Finding(Level.CRITICAL, name, because("no container of this service", None), _UP) for name in missing]
        found += [finding for one in facts.containers for finding in _judged(one, facts)]
        return found or [_seen(facts)]

    def figures(self, facts: Facts) -> Iterable[Figure]:
        """Return how many run, and how many are not healthy."""
        running = [one for one in facts.containers if one.state == "running"]
        yield Figure("running", len(running), "")
        yield Figure("unhealthy", sum(one.health == "unhealthy" for one in running), "")
        yield Figure("restarts", sum(facts.restarted.values()), "")


_UP = "docker compose up -d"


def _judged(one: Container, facts: Facts) -> Iterator[Finding]:
    on = one.service if one.service == one.name else f"{one.service} ({one.name})"
    logs = f"docker logs --tail 50 {one.name}"
    if one.name in facts.held and not one.up:
        yield Finding(Level.WARNING, on, because("stopped by a run, which starts it again", None), "mainstay status")
        return
    if one.killed_for_memory:
        advice = "it needs more memory, or a limit of its own inside the container"
        yield Finding(Level.CRITICAL, on, because("killed for memory, exit code", one.exit_code), advice)
    elif one.state != "running" and (one.service in facts.settings.services or not one.done):
        why = f"{one.state}, exit code {one.exit_code}" + (f": {one.error}" if one.error else "")
        yield Finding(Level.CRITICAL, on, because("container is not running", why), logs)
    if one.state == "running" and one.health == "unhealthy":
        yield Finding(Level.CRITICAL, on, because("container unhealthy", None), f"docker inspect {one.name}: State.Health.Log")
    elif one.state == "running" and one.health == "starting":
        yield Finding(Level.WARNING, on, because("container is still starting", None), logs)
    restarted, most = facts.restarted[one.id], facts.settings.max_restarts
    if restarted > most:
        yield Finding(Level.WARNING, on, because("restarts since the previous look", restarted, ">", most, "max_restarts"), logs)


def _seen(facts: Facts) -> Finding:
    running = [one for one in facts.containers if one.state == "running"]
    healthy = sum(one.health == "healthy" for one in running)
    return Finding(Level.OK, facts.settings.project or "containers", because("running", f"{len(running)}, {healthy} with health"))


def _inspected(session: Session, settings: Settings) -> list[dict[str, Any]]:
    asked = [f"label={_PROJECT}={settings.project}"] if settings.project else [f"name=^/{name}$" for name in settings.services]
    ids = _docker(session, "ps", "--all", "--quiet", "--no-trunc", *(f"--filter={one}" for one in asked)).split()
    found: list[dict[str, Any]] = json.loads(_docker(session, "inspect", "--type=container", *ids)) if ids else []
    return [one for one in found if (one["Config"].get("Labels") or {}).get(_ONE_OFF) != "True"]


def _docker(session: Session, *words: str) -> str:
    settings: Settings = session.target.settings
    where = ("--host", settings.engine) if settings.engine else ()
    done = session.door.run(["docker", *where, *words], settings.timeout)
    if done.code:
        because = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {done.code}"]
        raise Unreachable("the Docker engine does not answer", on=settings.engine or "docker", because=because[0])
    return done.stdout.decode()


def _container(told: dict[str, Any]) -> Container:
    """Read what `docker inspect` tells of a container (Docker Engine API, ContainerInspect)."""
    state, name, labels = told["State"], told["Name"].lstrip("/"), told["Config"].get("Labels") or {}
    return Container(
        id=told["Id"][:12],
        name=name,
        service=labels.get(_SERVICE, name),
        state=state["Status"],
        health=(state.get("Health") or {}).get("Status", "").replace("none", ""),
        restarts=told.get("RestartCount", 0),
        killed_for_memory=state.get("OOMKilled", False),
        exit_code=state.get("ExitCode", 0),
        policy=(told.get("HostConfig", {}).get("RestartPolicy") or {}).get("Name", ""),
        error=state.get("Error", ""),
    )
