"""A URL that has to answer: status, content, time and certificate."""

from __future__ import annotations

from mainstay.kinds.http.check import Check
from mainstay.kinds.http.ready import Ready
from mainstay.kinds.http.settings import Settings
from mainstay.kinds.kind import Found, Kind
from mainstay.model.target import Target


def _discover() -> list[Found]:
    from mainstay.kinds.http.discover import discover

    return discover()


def _resource(target: Target) -> str:
    return f"http:{target.settings.url}"


KIND = Kind(
    name="http",
    summary="a URL that has to answer: status, JSON values, text, response time, certificate",
    settings=Settings,
    tasks=(Check(), Ready()),
    resource=_resource,
    discover=_discover,
)
