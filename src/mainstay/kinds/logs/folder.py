"""Folders held by descriptor, so that nobody who can write near them leads us astray (CVE-2011-1548, CVE-2016-1247)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from mainstay.model.errors import StepFailed
from mainstay.model.units import Size
from mainstay.system.files import no_space

_WALK = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def opened(folder: str) -> Iterator[int]:
    """Open a folder from the root downwards, following no link; yield its descriptor."""
    fd = os.open("/", _WALK | os.O_RDONLY)
    try:
        *above, last = PurePath(folder).parts[1:]
        for part, access in [*((part, os.O_PATH) for part in above), (last, os.O_RDONLY)]:
            deeper = _enter(fd, part, access, folder)
            os.close(fd)
            fd = deeper
        yield fd
    finally:
        os.close(fd)


def insecure(folder: str) -> str:
    """Say why root should not work in a folder, or "": others than its owner can write there (CVE-2011-1549)."""
    if os.geteuid():
        return ""
    seen = os.stat(folder, follow_symlinks=False)
    if seen.st_mode & stat.S_IWOTH:
        return "its folder can be written by everybody"
    return "its folder can be written by a group" if seen.st_mode & stat.S_IWGRP and seen.st_gid else ""


def look_at(at: int, name: str) -> os.stat_result | None:
    """Return what stands under a name of the folder, following no link; None when nothing does."""
    try:
        return os.stat(name, dir_fd=at, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextmanager
def reading(at: int, name: str, inode: int) -> Iterator[int]:
    """Open a file for reading if it is the one that was planned: regular, of this inode, under no second name."""
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode) or seen.st_ino != inode or seen.st_nlink != 1:
            raise StepFailed("left alone", on=name, because="it is not the file that was looked at", next="plan again")
        yield fd
    finally:
        os.close(fd)


@contextmanager
def spooled(at: int, path: Path, like: os.stat_result, needed: int) -> Iterator[int]:
    """Yield a descriptor of a new file that gets its name, durably, only when the block ends well.

    It has the owner, mode and times of `like`. What a crash leaves is hidden, and the next attempt removes it.
    """
    spool = f".{path.name}.part"
    remove(at, spool)
    with no_space(path, Size(needed)):
        fd = os.open(spool, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
        try:
            yield fd
            dress(fd, like.st_uid, like.st_gid, stat.S_IMODE(like.st_mode))
            os.utime(fd, ns=(like.st_atime_ns, like.st_mtime_ns))
            os.fsync(fd)
            os.rename(spool, path.name, src_dir_fd=at, dst_dir_fd=at)
            os.fsync(at)
        finally:
            os.close(fd)
            remove(at, spool)  # gone already when it got its name


def dress(fd: int, uid: int, gid: int, mode: int) -> None:
    """Give a file an owner and a mode; the owner first, because changing it drops bits of the mode."""
    seen = os.fstat(fd)
    if (seen.st_uid, seen.st_gid) != (uid, gid):
        os.fchown(fd, uid, gid)
    os.fchmod(fd, mode)


def remove(at: int, name: str) -> None:
    """Remove a name from a folder if it is there."""
    if look_at(at, name):
        os.unlink(name, dir_fd=at)


def write_all(fd: int, content: bytes) -> None:
    """Write everything."""
    view = memoryview(content)
    while view:
        view = view[os.write(fd, view) :]


def _enter(fd: int, part: str, access: int, folder: str) -> int:
    try:
        return os.open(part, _WALK | access, dir_fd=fd)
    except OSError as error:
        raise StepFailed(
            "cannot enter a folder", on=folder, because=f"{part}: {error.strerror}", next="look whether a link took its place"
        ) from error
