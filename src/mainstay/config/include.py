"""The main file and what it includes, joined into one map in which every key keeps its own line."""

from __future__ import annotations

import os
from fnmatch import fnmatch
from pathlib import Path

from mainstay.config.bind import Binder, is_map
from mainstay.config.document import Leaf, Map, Node, read
from mainstay.config.mistakes import Mistakes, Wrong
from mainstay.model.errors import ConfigError
from mainstay.model.target import Origin

SECTIONS = ("targets", "routines", "windows", "blackouts", "notify", "checklists")
_DEEPEST = 8
_MOST_FILES = 100
_WILD = frozenset("*?[")


class Sources:
    """Reads a file and its includes in the order in which they are named; `complete` unless one could not be read."""

    def __init__(self, main: Path, mistakes: Mistakes) -> None:
        self.files: list[Path] = []
        self.complete = True
        self._base, self._mistakes = main.parent, mistakes
        self._binder = Binder(mistakes)
        self._parts: dict[str, list[tuple[Origin, Node]]] = {}
        self._top = Origin(main.name, 1)
        self._visit(main, self._top, ())

    def root(self) -> Map:
        """Join all files: sections are merged, other keys may be in one file only."""
        entries = []
        for key, found in self._parts.items():
            nodes = [(found[0][0], self._merged(key, found))] if key in SECTIONS else found
            entries += [(Leaf(key, True, origin), node) for origin, node in nodes]
        return Map(tuple(entries), self._top)

    def _refuse(self, origin: Origin, problem: str, suggestion: str = "") -> None:
        self.complete = False
        self._mistakes.add(origin, "include", problem, suggestion)

    def _visit(self, path: Path, origin: Origin, parents: tuple[Path, ...]) -> None:
        if path in parents:
            circle = " -> ".join(self._shown(one) for one in (*parents, path))
            self._refuse(origin, f"the files include one another: {circle}")
        elif path in self.files:
            self._refuse(origin, f"{self._shown(path)} is included twice", "name it once")
        elif len(parents) > _DEEPEST or len(self.files) >= _MOST_FILES:
            self._refuse(origin, f"more than {_DEEPEST} levels or {_MOST_FILES} files of includes")
        elif parents and not path.exists():
            self._refuse(origin, f"there is no {self._shown(path)}")
        else:
            self.files.append(path)
            self._read(path, (*parents, path))

    def _read(self, path: Path, parents: tuple[Path, ...]) -> None:
        try:
            node = read(path, self._shown(path))
        except ConfigError as error:
            self._mistakes.found += error.mistakes
            self.complete = False
            return
        self.complete &= is_map(node)
        entries = self._binder.entries(node, "")
        included = entries.pop("include", None)
        for key, found in entries.items():
            self._parts.setdefault(key, []).append(found)
        if included:
            self._include(included[1], included[0], path, parents)

    def _include(self, node: Node, origin: Origin, path: Path, parents: tuple[Path, ...]) -> None:
        patterns = self._binder.bound(node, "include", origin, tuple[str, ...]) or ()
        for number, pattern in enumerate(patterns):
            at = self._binder.origins[f"include[{number}]"]
            try:
                for file in _matching(path.parent, pattern):
                    self._visit(file, at, parents)
            except Wrong as wrong:
                self._refuse(at, wrong.problem, wrong.suggestion)

    def _merged(self, key: str, found: list[tuple[Origin, Node]]) -> Map:
        maps = []
        for origin, node in found:
            self._binder.entries(node, key, origin)
            maps += [node] if isinstance(node, Map) else []
        return Map(tuple(entry for one in maps for entry in one.entries), found[0][0])

    def _shown(self, path: Path) -> str:
        """Name a file as seen from the main file's folder."""
        return str(path.relative_to(self._base)) if path.is_relative_to(self._base) else str(path)


def _matching(folder: Path, pattern: str) -> list[Path]:
    """Return the files that an entry names, in order of their names; wildcards stand in the last part only."""
    path = Path(os.path.normpath(folder / pattern))
    if not _WILD & set(str(path)):
        return [path]
    if _WILD & set(str(path.parent)):
        raise Wrong(f"{pattern}: wildcards may only stand in the file name")
    try:
        names = sorted(name for name in os.listdir(path.parent) if fnmatch(name, path.name) and not name.startswith("."))
    except OSError as error:
        raise Wrong(f"cannot list {path.parent}: {(error.strerror or 'unreadable').lower()}") from error
    return [path.parent / name for name in names]
