"""Find kinds by folder and by entry point (group `mainstay.kinds`); a kind is imported when it is asked for, not before."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

from mainstay import kinds

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from mainstay.kinds.kind import Kind

PLANNED = ("celery", "certificates", "dependencies", "neo4j")


@cache
def names() -> tuple[str, ...]:
    """Return the names of all kinds that this installation has."""
    return tuple(sorted({*_folders(), *_entries()}))


@cache
def load(name: str) -> Kind:
    """Import a kind; KeyError when there is none of that name."""
    from mainstay.kinds.kind import Kind

    kind = importlib.import_module(f"mainstay.kinds.{name}").KIND if name in _folders() else _entries()[name].load()
    assert isinstance(kind, Kind)
    return kind


@cache
def _folders() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(kinds.__path__) if module.ispkg)


@cache
def _entries() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points  # reads what every distribution says of itself

    return {entry.name: entry for entry in entry_points(group="mainstay.kinds")}
