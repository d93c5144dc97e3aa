"""Take pinned files out of a folder, and put them back from the trash.

Every file is looked at once more right before: the same inode, unchanged since, regular, not open, not held. What differs stays.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from mainstay.kinds.files.aged import is_held
from mainstay.kinds.files.walk import look_at, opened
from mainstay.kinds.kind import Session
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Step
from mainstay.system import host
from mainstay.system.clock import Deadline


def remove(session: Session, step: Step, deadline: Deadline) -> None:
    """Delete or move each file; a second time does the rest."""
    root, folder, rows = session.target.settings.path, step.args["folder"], step.args["files"]
    if not (root / folder).is_dir():
        return  # gone, with all that was in it
    used, _ = host.files_in_use()
    with opened(root, folder) as source, _trash(step.args["trash"], source) as trash:
        for done, row in enumerate(rows, start=1):
            session.pulse(deadline)
            if _as_planned(source, row, used) and not is_held(session, str(PurePosixPath(folder) / row[0])):
                _take(source, row[0], trash)
            session.progress(done, len(rows), "files")
        os.fsync(source)


def put_back(session: Session, step: Step, deadline: Deadline) -> None:
    """Move each file back; a name that has been taken meanwhile is not overwritten, and its file stays in the trash."""
    taken: list[str] = []
    place = Path(step.args["trash"])
    if not place.is_dir():
        return  # nothing was moved
    with opened(session.target.settings.path, step.args["folder"]) as target, opened(place, ".") as trash:
        for row in step.args["files"]:
            session.pulse(deadline)
            if look_at(trash, row[0]) and not _returned(trash, target, row[0]):
                taken.append(row[0])
        os.fsync(target)
    if taken:
        raise StepFailed(
            "files cannot be put back",
            on=str(place),
            because=f"{len(taken)} names are taken, {taken[0]} first",
            next="compare them by hand",
        )
    place.rmdir()


def _as_planned(fd: int, row: list[Any], used: frozenset[tuple[int, int]]) -> bool:
    seen = look_at(fd, row[0])
    if seen is None or not stat.S_ISREG(seen.st_mode):
        return False
    return (seen.st_ino, seen.st_mtime_ns) == (row[1], row[2]) and (seen.st_dev, seen.st_ino) not in used


def _take(source: int, name: str, trash: int | None) -> None:
    with suppress(FileNotFoundError):  # somebody else was faster
        if trash is None:
            os.unlink(name, dir_fd=source)
        else:
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=trash)


def _returned(trash: int, target: int, name: str) -> bool:
    """Link and then unlink, so that a file of that name is never replaced; False when there is another one."""
    try:
        os.link(name, name, src_dir_fd=trash, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        there, here = look_at(target, name), look_at(trash, name)
        if not (there and here and there.st_ino == here.st_ino):
            return False  # a file of somebody else; ours of an attempt that was cut short would be the same inode
    os.unlink(name, dir_fd=trash)
    return True


@contextmanager
def _trash(folder: str, source: int) -> Iterator[int | None]:
    """Make and open the trash of this step; None when files are deleted. It must lie on the same file system."""
    if not folder:
        yield None
        return
    place = Path(folder)
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.stat(place.parent).st_dev != os.fstat(source).st_dev:
        raise StepFailed(
            "files cannot be moved to the trash", on=folder, because="it lies on another file system", next="choose another trash"
        )
    place.mkdir(mode=0o700, exist_ok=True)
    with opened(place, ".") as fd:
        yield fd
        os.fsync(fd)
