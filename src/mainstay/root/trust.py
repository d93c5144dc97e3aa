"""A configuration that root may act on: one that nobody but root can change."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mainstay import config
from mainstay.kinds import registry
from mainstay.model.errors import Refused
from mainstay.model.task import Site


def site(file: Path) -> Site:
    """Read a configuration and its includes; Refused where another user could change one of them, or put another in its place."""
    _require(file)
    found = config.load(file, registry)
    for part in found.files:
        _require(part)
    return found


def _require(file: Path) -> None:
    """Look at a file and all folders above it, as it is named and as links lead to it."""
    named, real = Path(os.path.abspath(file)), Path(os.path.realpath(file))
    for place in dict.fromkeys((named, *named.parents, real, *real.parents)):
        try:
            why = _changeable(place.lstat())
        except OSError as error:
            raise Refused("the configuration cannot be looked at", on=str(place), because=error.strerror or str(error)) from error
        if why:
            raise Refused(
                "root does not act on a configuration that others may change",
                on=str(place),
                because=why,
                next=f"chown root {place} && chmod go-w {place}",
            )


def _changeable(found: os.stat_result) -> str:
    """Return by whom something may be changed who is not root; in a folder like /tmp each one's things are safe from others."""
    if found.st_uid != 0:
        return f"it belongs to user {found.st_uid}"
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if stat.S_ISLNK(found.st_mode) or sticky or not found.st_mode & 0o022:
        return ""
    return f"its mode is {stat.S_IMODE(found.st_mode):04o}"
