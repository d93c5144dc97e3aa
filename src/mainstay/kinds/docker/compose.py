"""What Compose files declare, as far as it matters for what has to run (compose-spec.io, 05-services.md).

They are read, not interpolated: a number of containers that is a variable counts as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from mainstay.kinds.docker.facts import Service
from mainstay.kinds.docker.settings import Settings
from mainstay.model.errors import Unreachable
from mainstay.model.units import Size
from mainstay.system.files import read_bounded

_LARGEST = Size(4 << 20)
_ENDS = "service_completed_successfully"
_WHOLE = "docker compose config > FILE writes one that is whole; name that in `compose`"


def project(settings: Settings) -> str:
    """Return the project that is meant: as configured, as the files name it, or, as Compose does, by the folder of the first."""
    if settings.project or not settings.compose:
        return settings.project
    named = [str(one["name"]) for one in map(_read, settings.compose) if one.get("name")]
    return named[-1] if named else re.sub(r"[^a-z0-9_-]", "", settings.compose[0].absolute().parent.name.lower()).lstrip("_-")


def declared(settings: Settings) -> tuple[Service, ...]:
    """Return the services that must be there, each after those that it needs; Unreachable when a file cannot be read."""
    written: dict[str, dict[str, Any]] = {}
    for path in settings.compose:
        for name, service in _services(path).items():
            written[name] = {
                **written.get(name, {}),
                **service,
                "depends_on": {**_needs(written.get(name, {})), **_needs(service)},
            }
    used = {name: one for name, one in written.items() if _in_use(one, settings.profiles)}
    jobs = {need for one in used.values() for need, how in _needs(one).items() if how == _ENDS} | set(settings.jobs)
    found = {name: _service(name, one, name in jobs) for name, one in used.items()}
    for name in settings.services:  # both may be written: these must run, whatever the files say
        found[name] = replace(found.get(name, Service(name)), job=name in settings.jobs)
    try:
        order = list(TopologicalSorter({name: one.needs for name, one in found.items()}).static_order())
    except CycleError as error:
        raise Unreachable("the services wait for one another", because=" -> ".join(error.args[1])) from error
    return tuple(found[name] for name in order if name in found)


def _service(name: str, written: Mapping[str, Any], job: bool) -> Service:
    deploy = written.get("deploy")
    counted = written.get("scale", deploy.get("replicas") if isinstance(deploy, dict) else None)
    count = counted if isinstance(counted, int) and not isinstance(counted, bool) else 1
    return Service(name, count, tuple(sorted(_needs(written))), job)


def _needs(written: Mapping[str, Any]) -> dict[str, str]:
    """Return the services that one waits for, and what for; those that are not required are left out."""
    needs = written.get("depends_on") or {}
    if isinstance(needs, list):
        return {str(name): "service_started" for name in needs}
    return {
        name: how if isinstance(how, str) else str(how.get("condition", "service_started"))
        for name, how in needs.items()
        if isinstance(how, str) or how.get("required", True)
    }


def _in_use(written: Mapping[str, Any], profiles: tuple[str, ...]) -> bool:
    asked = written.get("profiles") or []
    return not asked or "*" in profiles or bool({str(one) for one in asked} & set(profiles))


def _services(path: Path) -> dict[str, dict[str, Any]]:
    document = _read(path)
    services = document.get("services")
    if document.get("include"):
        raise Unreachable("a Compose file is not whole", on=str(path), because="it includes others", next=_WHOLE)
    if not isinstance(services, dict) or not services:
        raise Unreachable("no Compose file", on=str(path), because="it has no `services`")
    for name, service in services.items():
        if isinstance(service, dict) and "extends" in service:
            raise Unreachable("a Compose file is not whole", on=str(path), because=f"{name} extends another service", next=_WHOLE)
    return {str(name): service if isinstance(service, dict) else {} for name, service in services.items()}


def _read(path: Path) -> dict[str, Any]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        document = YAML(typ="safe", pure=True).load(read_bounded(path, _LARGEST).decode())
    except OSError as error:
        raise Unreachable("a Compose file cannot be read", on=str(path), because=error.strerror or str(error)) from error
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        because = str(error).splitlines()[0]
        raise Unreachable("a Compose file cannot be read", on=str(path), because=because, next=_WHOLE) from error
    return document if isinstance(document, dict) else {}
