"""The changelogs of packages: where a system keeps them (Debian Policy 12.7, and what debhelper does for rebuilds)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mainstay.kinds.packages.changelog import Entry, entries
from mainstay.kinds.packages.system import System
from mainstay.kinds.packages.text import plain
from mainstay.model.units import Size

_MOST = Size(512 << 10)  # of each: the newest entries come first
_ENDINGS = (".gz", "")


def of(names: Collection[str], there: System) -> dict[str, list[Entry]]:
    """Return the entries of each package that has a changelog; a package is named with its architecture."""
    found = there.read(path for name in sorted(names) for path in _paths(name))
    return {name: _entries(name, found) for name in names}


def _entries(name: str, found: Mapping[str, bytes]) -> list[Entry]:
    """Take what was added by a rebuild, and the changelog itself; `changelog` is that of Debian in native packages alone."""
    rebuilt, own = _kept(_places(name, f".{name.rpartition(':')[2]}"), found), _kept(_places(name, ""), found)
    return [*entries(rebuilt), *entries(own)]


def _kept(places: list[str], found: Mapping[str, bytes]) -> str:
    return next((plain(found[path], _MOST) or "" for path in places if path in found), "")


def _paths(name: str) -> list[str]:
    return [*_places(name, f".{name.rpartition(':')[2]}"), *_places(name, "")]


def _places(name: str, architecture: str) -> list[str]:
    folder = f"usr/share/doc/{name.rpartition(':')[0]}"
    return [f"{folder}/{kind}{architecture}{ending}" for kind in ("changelog.Debian", "changelog") for ending in _ENDINGS]
