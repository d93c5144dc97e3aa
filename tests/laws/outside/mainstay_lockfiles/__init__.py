"""Lock files that outlived their process."""

from __future__ import annotations

from mainstay.kinds.kind import Kind
from mainstay.model.target import Target

from .check import Check
from .remove import Remove
from .settings import Settings


def _resource(target: Target) -> str:
    return f"lockfiles:{target.settings.folder.resolve()}"


KIND = Kind(
    name="lockfiles",
    summary="lock and pid files whose process is gone",
    settings=Settings,
    tasks=(Check(), Remove()),
    resource=_resource,
)
