"""A restored copy takes the place of a live path: both exchange their names in one act of the file system.

What users see is at every moment the old content or the new one, complete; nothing is copied, and nothing is removed. Around that
one act there are two more that nobody sees: a note beside the live path, written before, says which of the two is which, so that
whoever comes after a crash knows whether the names were exchanged; afterwards the old content gets the name that it is to have.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mainstay.model.codec import canonical
from mainstay.model.errors import Refused, StepFailed, Unknown
from mainstay.model.units import Size
from mainstay.system.files import exchange, read_bounded, rename_new, sync_folder, write_atomic
from mainstay.vault.paths import PathStore
from mainstay.vault.store import Work

_MOST = Size(64_000)


class SwappablePath(PathStore):
    """The half of a swappable store that exchanges paths. Calling `swap` again after a crash finishes it."""

    @property
    def live(self) -> str:
        """Return the path that users see."""
        return str(self.path)

    def reopen(self, work: Work) -> None:
        """Do nothing: an exchange of names keeps nobody out."""

    def swap(self, copy: str, old: str, work: Work) -> None:
        """Exchange the live path with the copy, and give what was live the name `old`."""
        here, kept = self._at(copy), self._at(old)
        note = _Note.of(self.path, here, kept)
        if note.live == _identity(self.path):
            self._exchanged(note, here, work)
        if note.copy != _identity(self.path):
            next = f"compare {self.path}, {here} and {kept}, put them right, and remove {note.path}"
            raise Unknown(
                "nobody can tell what is live", on=str(self.path), because="it is neither the old nor the new", next=next
            )
        if os.path.lexists(here):
            rename_new(here, kept)
        note.remove()

    @contextmanager
    def closed(self, copy: Path, work: Work) -> Iterator[None]:
        """Keep users out while the names are exchanged in the block; a path that is looked up anew each time needs nothing."""
        yield

    def _exchanged(self, note: _Note, here: Path, work: Work) -> None:
        try:
            with self.closed(here, work):
                exchange(self.path, here)
        finally:
            if note.live == _identity(self.path):  # it was refused
                note.remove()


@dataclass(frozen=True)
class _Note:
    """What a swap was about to do, in terms that a crash does not change: inodes."""

    path: Path
    live: list[int]
    copy: list[int]
    names: list[str]

    @classmethod
    def of(cls, live: Path, copy: Path, old: Path) -> _Note:
        """Read the note of an attempt that was interrupted, or look whether one may begin, and write it."""
        path, names = live.with_name(f".{live.name}.swap"), [str(copy), str(old)]
        if path.exists():
            found = json.loads(read_bounded(path, _MOST))
            if found["names"] != names:
                begun = " and ".join(found["names"])
                raise Refused("another swap was not finished", on=str(live), because=f"of {begun}", next="finish that one first")
            return cls(path, found["live"], found["copy"], names)
        _require_swappable(live, copy, old)
        note = cls(path, _identity(live), _identity(copy), names)
        write_atomic(path, canonical({"live": note.live, "copy": note.copy, "names": names}))
        return note

    def remove(self) -> None:
        """Forget it: the swap is over, or has not begun."""
        self.path.unlink(missing_ok=True)
        sync_folder(self.path.parent)


def _require_swappable(live: Path, copy: Path, old: Path) -> None:
    for path in (live, copy):
        if not os.path.lexists(path) or path.is_symlink():
            because = "it is a link" if path.is_symlink() else "it is not there"
            raise Refused("this cannot be swapped", on=str(path), because=because, next="name what is there, and no link to it")
    if os.path.lexists(old):
        raise Refused("what is live cannot get that name", on=str(old), because="it exists", next="name a new place")
    if len({path.lstat().st_dev for path in (live, copy, old.parent)}) > 1:
        raise Refused(
            "this cannot be swapped at once", on=str(copy), because="it lies on another file system", next="restore beside"
        )
    if live.is_dir() != copy.is_dir():
        raise StepFailed("a file and a folder do not take each other's place", on=str(copy), because=f"{live} is the other")


def _identity(path: Path) -> list[int]:
    seen = path.lstat()
    return [seen.st_dev, seen.st_ino]
