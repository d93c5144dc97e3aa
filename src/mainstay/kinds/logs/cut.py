"""Copying the head of a live log to a rotated part, proving the copy, and cutting the head off."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mainstay.kinds.logs import collapse
from mainstay.kinds.logs.folder import look_at, opened, spooled
from mainstay.kinds.logs.writers import scan
from mainstay.model.errors import StepFailed


def cut_head(path: Path, args: dict[str, Any], beat: Callable[[int], None]) -> None:
    """Do it (`args`: part, inode, length, block). Done again after a crash, it goes on where it was: the copy, or the cut."""
    with opened(str(path.parent)) as at, _writable(at, path, args["inode"]) as fd:
        if collapse.first_block(fd) != args["block"]:
            return
        if not _copied(at, args["part"], fd, args["length"]):
            with spooled(at, path.with_name(args["part"]), os.fstat(fd), args["length"]) as copy:
                collapse.copy_head(fd, copy, args["length"], beat)
        _all_append(path, fd)
        collapse.cut(fd, args["length"])


@contextmanager
def _writable(at: int, path: Path, inode: int) -> Iterator[int]:
    fd = os.open(path.name, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode) or seen.st_ino != inode or seen.st_nlink != 1:
            raise StepFailed("not rotated", on=str(path), because="its file is not the one that was looked at", next="plan again")
        yield fd
    finally:
        os.close(fd)


def _copied(at: int, part: str, live: int, length: int) -> bool:
    """Say whether the copy is there already; StepFailed when the name is taken by anything else."""
    seen = look_at(at, part)
    if seen is None:
        return False
    fd = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    try:
        if seen.st_size == length and collapse.head_digest(fd, length) == collapse.head_digest(live, length):
            return True
    finally:
        os.close(fd)
    raise StepFailed("not rotated", on=part, because="another file has the name of the rotated part", next="look at it by hand")


def _all_append(path: Path, fd: int) -> None:
    seen = os.fstat(fd)
    careless = [writer for writer in scan().get((seen.st_dev, seen.st_ino), ()) if not writer.append]
    if careless:
        raise StepFailed("not rotated", on=str(path), because=f"{careless[0]} has opened it without O_APPEND meanwhile")
