"""Ask the engine through its client; nothing is started or stopped."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.kinds.docker import compose
from mainstay.kinds.docker.facts import Container, Facts
from mainstay.kinds.docker.settings import Settings
from mainstay.kinds.kind import Session
from mainstay.model.errors import Unreachable
from mainstay.system import clock

_PROJECT, _SERVICE = "com.docker.compose.project", "com.docker.compose.service"
_ONE_OFF = "com.docker.compose.oneoff"
_NEWEST = 5000  # lines of a log


def look(session: Session, before: dict[str, int]) -> Facts:
    """List what belongs to the target, and inspect it in one call."""
    settings: Settings = session.target.settings
    project, declared = compose.project(settings), compose.declared(settings)
    found = [_container(one) for one in _inspected(session, settings, project)]
    ordered = tuple(sorted(found, key=lambda one: (one.service, one.name)))
    held = tuple(one.name for one in ordered if one.name in session.held)
    return Facts(clock.now(), settings, ordered, before, project, declared, bool(settings.compose), held)


def fatal(session: Session, container: Container) -> int:
    """Count the lines of a container's log, since it was started, that mean that it is not well; what they say is not kept."""
    patience = session.target.settings.ready
    words = ["logs", f"--tail={_NEWEST}", *_since(container.started), container.name]
    lines = _docker(session, *words, errors=True).splitlines()
    return sum(
        any(text in line for text in patience.fatal) and not any(text in line for text in patience.harmless) for line in lines
    )


def _since(started: str) -> list[str]:
    """Ask for lines from a second before a container was started: the engine notes that when it already runs."""
    if not started:
        return []
    seconds, _, rest = started.partition(".")
    began = datetime.fromisoformat(seconds.rstrip("Z")).replace(tzinfo=UTC) - timedelta(seconds=1)
    return ["--since", f"{began:%Y-%m-%dT%H:%M:%S}.{rest.rstrip('Z') or '0'}Z"]


def _inspected(session: Session, settings: Settings, project: str) -> list[dict[str, Any]]:
    asked = [f"label={_PROJECT}={project}"] if project else [f"name=^/{name}$" for name in settings.services]
    ids = _docker(session, "ps", "--all", "--quiet", "--no-trunc", *(f"--filter={one}" for one in asked)).split()
    found: list[dict[str, Any]] = json.loads(_docker(session, "inspect", "--type=container", *ids)) if ids else []
    return [one for one in found if (one["Config"].get("Labels") or {}).get(_ONE_OFF) != "True"]


def _docker(session: Session, *words: str, errors: bool = False) -> str:
    """Call the client; with `errors`, return what it printed to both streams."""
    settings: Settings = session.target.settings
    where = ("--host", settings.engine) if settings.engine else ()
    done = session.door.run(["docker", *where, *words], settings.timeout)
    if done.code:
        because = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {done.code}"]
        raise Unreachable("the Docker engine does not answer", on=settings.engine or "docker", because=because[0])
    return (done.stdout + (done.stderr if errors else b"")).decode(errors="replace")


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
        started=state.get("StartedAt", ""),
    )
