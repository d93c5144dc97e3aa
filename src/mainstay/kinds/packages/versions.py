"""Versions of Debian packages in their order (deb-version(7))."""

from __future__ import annotations

import re
from typing import Any

_PARTS = re.compile(r"(\D*)(\d*)", re.ASCII)
_REBUILT = re.compile(r"\+b\d+$", re.ASCII)  # only built once more, from the same source

Key = tuple[Any, ...]


def order(version: str) -> Key:
    """Return what sorts as dpkg does: epoch, then upstream version, then revision."""
    epoch, _, rest = version.rpartition(":")
    upstream, dash, revision = rest.rpartition("-")
    number = int(epoch) if epoch.isascii() and epoch.isdigit() else 0
    return (number, _key(upstream if dash else rest), _key(revision if dash else "0"))


def newer(version: str, than: str) -> bool:
    """Tell whether a version is newer than another one."""
    return order(version) > order(than)


def rebuilt(version: str) -> str:
    """Return a version without the mark of a rebuild."""
    return _REBUILT.sub("", version)


def without_epoch(version: str) -> str:
    """Return a version without its epoch."""
    return version.partition(":")[2] or version


def _key(part: str) -> Key:
    """Letters come before anything else, `~` before the end itself; digits count as numbers."""
    return tuple((*map(_weight, text), 0, int(digits or 0)) for text, digits in _PARTS.findall(part))


def _weight(letter: str) -> int:
    return -1 if letter == "~" else ord(letter) if letter.isalpha() else ord(letter) + 256
