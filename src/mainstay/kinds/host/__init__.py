"""The host that everything runs on: processor, memory, pressure, mounts, open files."""

from __future__ import annotations

from mainstay.kinds.host.check import Check
from mainstay.kinds.host.settings import Settings
from mainstay.kinds.kind import Found, Kind
from mainstay.model.target import Target


def _discover() -> list[Found]:
    return [Found("host", {}, "this host: processor, memory, pressure, every mount, open files", tasks=("check",))]


def _resource(_target: Target) -> str:
    return "host"


KIND = Kind(
    name="host",
    summary="this host: processor, memory, swap, pressure, load, every mount, open files",
    settings=Settings,
    tasks=(Check(),),
    category="system",
    resource=_resource,
    discover=_discover,
)
