"""The packages of a Debian or Ubuntu system: how long patches take, and what waits. Looked at, never installed."""

from __future__ import annotations

from mainstay.kinds.kind import Kind
from mainstay.kinds.packages.check import Check
from mainstay.kinds.packages.discover import discover
from mainstay.kinds.packages.settings import Settings
from mainstay.model.target import Target


def _resource(target: Target) -> str:
    return f"packages:{target.place}:{target.settings.root}"


KIND = Kind(
    name="packages",
    summary="packages of Debian and Ubuntu: time from publication to deployment, updates that wait, reboot required",
    settings=Settings,
    tasks=(Check(),),
    category="system",
    resource=_resource,
    discover=discover,
)
