"""What stores have in common whose places are paths: a file or a folder is restored next to its name, and then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from mainstay.system.files import remove, rename_new
from mainstay.vault.store import Work


class PathStore:
    """The half of a store that knows where copies lie, and not what they are."""

    path: Path

    def beside(self, name: str) -> str:
        """Return the path next to the live one that carries this name."""
        return str(self.path.with_name(f"{self.path.name}.{name}"))

    def half_made(self, place: str, id: str) -> str:
        """Return a hidden path next to the place."""
        return str(self._at(place).with_name(f".{self._at(place).name}.{id}.part"))

    def exists(self, place: str) -> bool:
        """Tell whether anything is there, be it a link to nowhere."""
        return os.path.lexists(self._at(place))

    def rename(self, place: str, new: str) -> None:
        """Give a copy its name."""
        rename_new(self._at(place), self._at(new))

    def remove(self, place: str) -> None:
        """Remove what a restore made."""
        remove(self._at(place))

    def reopen(self, work: Work) -> None:
        """Nobody waits for a file: whoever opens it finds what lies there."""

    def _at(self, place: str) -> Path:
        """Return the path of a place; a name alone lies next to the live one."""
        return self.path.parent / place

    @contextmanager
    def scratch(self, folder: Path, work: Work) -> Iterator[tuple[Self, str]]:
        """Load into the private folder itself."""
        yield self, str(folder / "copy")
