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
from mainstay.system.files import exchange, read_bounded, rename_new, spool_of, sync_folder, write_atomic
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
        """End what a killed swap has begun. Nobody waits for a path: whoever opens it finds what lies there."""
        note = _Note.found(self.path)
        if note is None or note.live == _identity(self.path):  # nothing had happened yet
            _Note.forget(self.path)
        else:
            self.swap(*note.names, work)

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
        _Note.forget(self.path)

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
                _Note.forget(self.path)


@dataclass(frozen=True)
class _Note:
    """What a swap was about to do, in terms that a crash does not change: inodes."""

    path: Path
    live: list[int]
    copy: list[int]
    names: tuple[str, str]

    @classmethod
    def found(cls, live: Path) -> _Note | None:
        """Read the note of an attempt that was interrupted."""
        path = _beside(live)
        if not path.exists():
            return None
        kept = json.loads(read_bounded(path, _MOST))
        copy, old = kept["names"]
        return cls(path, kept["live"], kept["copy"], (copy, old))

    @classmethod
    def of(cls, live: Path, copy: Path, old: Path) -> _Note:
        """Read the note of an attempt that was interrupted, or look whether one may begin, and write it."""
        if begun := cls.found(live):
            if begun.names != (str(copy), str(old)):
                because = f"of {' and '.join(begun.names)}"
                raise Refused("another swap was not finished", on=str(live), because=because, next="finish that one first")
            return begun
        _require_swappable(live, copy, old)
        note = cls(_beside(live), _identity(live), _identity(copy), (str(copy), str(old)))
        write_atomic(note.path, canonical({"live": note.live, "copy": note.copy, "names": note.names}))
        return note

    @staticmethod
    def forget(live: Path) -> None:
        """Remove the note, or what there is of it: the swap is over, or has not begun."""
        for path in (_beside(live), spool_of(_beside(live))):
            path.unlink(missing_ok=True)
        sync_folder(live.parent)


def _beside(live: Path) -> Path:
    return live.with_name(f".{live.name}.swap")


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
