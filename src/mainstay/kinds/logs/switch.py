"""Giving a log's file its rotated name and putting a new one in its place, so that at no moment the log is missing.

The old file gets its second name by link(2), which never overwrites; the new file takes the first name by rename(2). Writers keep
writing to the old file until they reopen. Each call may be the last before a crash: what is done is seen, the rest is repeated.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mainstay.kinds.logs import writers
from mainstay.kinds.logs.folder import dress, look_at, opened, remove, write_all
from mainstay.model.errors import StepFailed
from mainstay.model.units import Size
from mainstay.system.files import no_space


def switch(path: Path, args: dict[str, Any]) -> None:
    """Rename a log to its part (`args`: part, inode, create, mode, uid, gid) and make the new one."""
    with no_space(path, Size(4096)), opened(str(path.parent)) as at:
        _name_part(at, path.name, args["part"], args["inode"])
        if args["create"]:
            _put_new(at, path, args)
        elif _inode(at, path.name) == args["inode"]:
            os.unlink(path.name, dir_fd=at)
        os.fsync(at)


def put_back(path: Path, args: dict[str, Any]) -> str:
    """Give the part its first name again, unless the new file is in use; return why it was left, or ""."""
    with opened(str(path.parent)) as at:
        remove(at, _spool(path.name))
        if _inode(at, args["part"]) != args["inode"]:
            return ""
        new = look_at(at, path.name)
        if new and new.st_ino != args["inode"] and (new.st_size or _in_use(at, path.name)):
            return "the new file is in use; both files are complete"
        _swap_back(at, path.name, args["part"])
        os.fsync(at)
    return ""


def _name_part(at: int, log: str, part: str, inode: int) -> None:
    if _inode(at, part) is None:
        os.link(log, part, src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
        if _inode(at, part) != inode:
            os.unlink(part, dir_fd=at)  # another file took the log's name since it was looked at
    if _inode(at, part) != inode:
        raise StepFailed("not rotated", on=log, because="its file is not the one that was looked at", next="plan again")


def _put_new(at: int, path: Path, args: dict[str, Any]) -> None:
    """Make the new file complete under a hidden name first, so that nobody ever meets it with the wrong owner or mode."""
    standing = _inode(at, path.name)
    if standing not in (None, args["inode"]):
        return
    spool = _spool(path.name)
    remove(at, spool)
    fd = os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=at)
    try:
        dress(fd, args["uid"], args["gid"], args["mode"])
    finally:
        os.close(fd)
    os.rename(spool, path.name, src_dir_fd=at, dst_dir_fd=at)


def _spool(log: str) -> str:
    return f".{log}.new"


def _swap_back(at: int, log: str, part: str) -> None:
    """Rename the part over the empty new file; what somebody wrote to that in the same moment is appended."""
    late = os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at) if look_at(at, log) else None
    os.rename(part, log, src_dir_fd=at, dst_dir_fd=at)
    if look_at(at, part):
        os.unlink(part, dir_fd=at)  # rename(2) does nothing where both names are of one file
    if late is None:
        return
    rest = b"" if os.fstat(late).st_ino == _inode(at, log) else os.read(late, 1 << 20)
    os.close(late)
    if rest:
        fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        write_all(fd, rest)
        os.close(fd)


def _in_use(at: int, log: str) -> bool:
    fd = os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    try:
        return bool(writers.of(fd, writers.scan()))
    finally:
        os.close(fd)


def _inode(at: int, name: str) -> int | None:
    seen = look_at(at, name)
    return seen.st_ino if seen else None
