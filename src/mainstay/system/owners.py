"""The names of users and groups, and who besides root could change a file."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@cache
def user_name(uid: int) -> str:
    """Return the name of a user, or the number when nobody has it."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


@cache
def group_name(gid: int) -> str:
    """Return the name of a group, or the number when there is none."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def changeable(file: Path) -> Iterator[tuple[Path, str]]:
    """Yield what another user could change of a file and the folders above it, as named and as links lead to it; and why."""
    named, real = Path(os.path.abspath(file)), Path(os.path.realpath(file))
    for place in dict.fromkeys((named, *named.parents, real, *real.parents)):
        try:
            why = _changeable(place.lstat())
        except OSError as error:
            why = error.strerror or str(error)
        if why:
            yield place, why


def _changeable(found: os.stat_result) -> str:
    """Return by whom something may be changed who is not root; in a folder like /tmp each one's things are safe from others."""
    if found.st_uid != 0:
        return f"it belongs to {user_name(found.st_uid)}"
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
    if stat.S_ISLNK(found.st_mode) or sticky or not found.st_mode & 0o022:
        return ""
    return f"its mode is {stat.S_IMODE(found.st_mode):04o}"
