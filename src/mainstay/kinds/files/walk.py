"""Walk through a folder and reach into it by descriptors: no link is followed, no other file system entered."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from mainstay.model.errors import StepFailed, Unreachable

_ENTER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_RDONLY


@dataclass(frozen=True)
class Entry:
    """One entry below a folder, as lstat saw it; `target` is False for a link that leads nowhere."""

    path: str
    seen: os.stat_result
    target: bool = True

    @property
    def regular(self) -> bool:
        """True for a plain file."""
        return stat.S_ISREG(self.seen.st_mode)

    @property
    def folder(self) -> bool:
        """True for a folder."""
        return stat.S_ISDIR(self.seen.st_mode)


def walk(root: Path, exclude: tuple[str, ...], problems: list[str]) -> Iterator[Entry]:
    """Yield every entry below `root`, folders too; `problems` gets what could not be looked at, one line each."""
    if not root.is_dir():
        raise Unreachable("this is not a folder", on=str(root), next="check `path`")
    device = os.stat(root).st_dev

    def unreadable(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            problems.append(f"{os.path.relpath(os.fsdecode(error.filename), root)!a}: {error.strerror}")

    for folder, names, files, fd in os.fwalk(root, onerror=unreadable):
        below = PurePosixPath(os.path.relpath(folder, root))
        wanted = [entry for name in sorted([*names, *files]) if (entry := _entry(below, name, fd, exclude, problems))]
        inside = {PurePosixPath(entry.path).name for entry in wanted if entry.folder and entry.seen.st_dev == device}
        names[:] = [name for name in names if name in inside]
        yield from wanted


@contextmanager
def opened(root: Path, below: str) -> Iterator[int]:
    """Open a folder below `root` component by component, following no link; yield its descriptor."""
    fd = os.open(root, _ENTER)
    try:
        for part in PurePosixPath(below).parts:
            if part == "..":
                raise StepFailed("a path leads out of the folder", on=below)
            deeper = os.open(part, _ENTER, dir_fd=fd)
            os.close(fd)
            fd = deeper
        yield fd
    except OSError as error:
        raise StepFailed("cannot work in a folder", on=str(root / below), because=error.strerror or str(error)) from error
    finally:
        os.close(fd)


def look_at(fd: int, name: str) -> os.stat_result | None:
    """Return what stands under a name, following no link; None when nothing does."""
    try:
        return os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _entry(below: PurePosixPath, name: str, fd: int, exclude: tuple[str, ...], problems: list[str]) -> Entry | None:
    path = str(below / name)
    if any(fnmatch(path, glob) for glob in exclude):
        return None
    if not path.isprintable():
        problems.append(f"{path!a}: a name with letters that cannot be printed")
        return None
    seen = look_at(fd, name)
    if seen is None:
        return None  # gone meanwhile
    return Entry(path, seen, not stat.S_ISLNK(seen.st_mode) or _leads_somewhere(fd, name))


def _leads_somewhere(fd: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=fd)
    except OSError:
        return False
    return True
