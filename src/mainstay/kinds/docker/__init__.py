"""The containers of a Docker engine: looked at, waited for, compared, and stopped around other work."""

from __future__ import annotations

from mainstay.kinds.docker.check import Check
from mainstay.kinds.docker.hold import Hold
from mainstay.kinds.docker.ready import Ready
from mainstay.kinds.docker.settings import Settings
from mainstay.kinds.kind import Kind
from mainstay.model.target import Target


def _resource(target: Target) -> str:
    return f"docker:{target.settings.engine}:{target.settings.project or target.name}"


KIND = Kind(
    name="docker",
    summary="containers of a Compose project, or by name: state, health, restarts, killed for memory",
    settings=Settings,
    tasks=(Check(), Ready(), Hold()),
    category="infrastructure",
    resource=_resource,
)
