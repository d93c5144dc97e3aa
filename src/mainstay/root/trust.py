"""A configuration that root may act on: one that nobody but root can change."""

from __future__ import annotations

from pathlib import Path

from mainstay import config
from mainstay.kinds import registry
from mainstay.model.errors import Refused
from mainstay.model.task import Site
from mainstay.system import owners


def site(file: Path) -> Site:
    """Read a configuration and its includes; Refused where another user could change one of them, or put another in its place."""
    _require(file)
    found = config.load(file, registry)
    for part in found.files:
        _require(part)
    return found


def _require(file: Path) -> None:
    for place, why in owners.changeable(file):
        raise Refused(
            "root does not act on a configuration that others may change",
            on=str(place),
            because=why,
            next=f"chown root {place} && chmod go-w {place}",
        )
