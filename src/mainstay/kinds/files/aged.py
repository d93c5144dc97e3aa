"""The files of a folder with their ages, as retention looks at them: the oldest, bounded, with what forbids to touch them."""

from __future__ import annotations

import heapq
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.walk import Entry, look_at, opened, walk
from mainstay.kinds.kind import Session
from mainstay.model.plan import On
from mainstay.model.units import Duration, Size
from mainstay.system import clock, host

MOST = 2000  # files that one look keeps; the others come into view when these are gone


@dataclass(frozen=True)
class Aged:
    """One regular file; its age is that of its last change (mtime), which copying without -p makes younger."""

    path: str
    inode: int
    mtime_ns: int
    size: Size
    in_use: bool = False
    held: bool = False

    @property
    def folder(self) -> str:
        """The folder that it lies in, below the target's."""
        return str(PurePosixPath(self.path).parent)

    @property
    def name(self) -> str:
        """Its own name."""
        return PurePosixPath(self.path).name

    def age(self, at: datetime) -> Duration:
        """Time since its last change; negative when it lies in the future."""
        return Duration(at.timestamp() - self.mtime_ns / 1e9)


@dataclass(frozen=True)
class Facts:
    """A folder's files, oldest first. `beyond` files are not listed; `hidden` processes may have some open unseen."""

    at: datetime
    root: Path
    files: tuple[Aged, ...]
    beyond: int
    size: Size
    count: int
    hidden: int
    trashed: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def look(session: Session, on: On | None) -> Facts:
    """Look at the whole folder, or at the one below it that `on` names, and at the trash of that step."""
    settings: Settings = session.target.settings
    used, hidden = host.files_in_use()
    problems: list[str] = []
    entries = _below(settings.path, on[1]) if on else walk(settings.path, settings.exclude, problems)
    found = [_aged(entry, used, session) for entry in entries if entry.regular]
    oldest = heapq.nsmallest(MOST, found, key=lambda one: (one.mtime_ns, one.path))
    return Facts(
        at=clock.now(),
        root=settings.path,
        files=tuple(oldest),
        beyond=len(found) - len(oldest),
        size=Size(sum(one.size for one in found)),
        count=len(found),
        hidden=hidden,
        trashed=_trashed(Path(on[2])) if on and on[2] else (),
        problems=tuple(problems[:20]),
    )


def is_held(session: Session, path: str) -> bool:
    """True when the file, or a folder that it lies in, is needed for an undo."""
    full = session.target.settings.path / path
    return path in session.held or any(str(place) in session.held for place in (full, *full.parents))


def _aged(entry: Entry, used: frozenset[tuple[int, int]], session: Session) -> Aged:
    seen = entry.seen
    return Aged(
        path=entry.path,
        inode=seen.st_ino,
        mtime_ns=seen.st_mtime_ns,
        size=Size(seen.st_size),
        in_use=(seen.st_dev, seen.st_ino) in used,
        held=is_held(session, entry.path),
    )


def _below(root: Path, folder: str) -> Iterator[Entry]:
    if not (root / folder).is_dir():
        return  # gone, with all that was in it
    with opened(root, folder) as fd:
        for name in sorted(os.listdir(fd)):
            if seen := look_at(fd, name):
                yield Entry(str(PurePosixPath(folder) / name), seen)


def _trashed(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(os.listdir(folder))) if folder.is_dir() else ()
