"""Putting a part on the shelf and taking it off: each goes on where a crash left it, and overwrites nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.kinds.logs import catalogue, frames
from mainstay.kinds.logs.folder import look_at, opened, reading, remove, spooled, write_all
from mainstay.kinds.logs.writers import refuse_open
from mainstay.model.errors import StepFailed
from mainstay.model.units import Size

_EDGE = 1 << 16  # bytes at either end of a log in which its dates are looked for
_CHUNK = 1 << 20


def shelve(archive: Path, args: dict[str, Any], beat: Callable[[int], None]) -> None:
    """Copy a part (`args`: path, inode, stream, stamp, target), prove and list the copy, then remove the part."""
    path, root = Path(args["path"]), Path(os.path.realpath(archive))
    copy = root / args["target"]
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    with opened(str(path.parent)) as at:
        if look_at(at, path.name) is None:
            return
        with reading(at, path.name, args["inode"]) as source, opened(str(copy.parent)) as there:
            refuse_open(source, path)
            _copy(source, there, copy, beat)
            with reading(there, copy.name, os.stat(copy.name, dir_fd=there).st_ino) as copied:
                catalogue.write(root, _entry(copied, args))
        os.unlink(path.name, dir_fd=at)
        os.fsync(at)


def discard(archive: Path, entry: catalogue.Entry) -> None:
    """Remove a part from the archive, and say so in the list."""
    root = Path(os.path.realpath(archive))
    path = root / entry.part
    if path.parent.is_dir():
        with opened(str(path.parent)) as there:
            remove(there, path.name)
            os.fsync(there)
    catalogue.write(root, entry)


def _copy(source: int, there: int, copy: Path, beat: Callable[[int], None]) -> None:
    """Copy, unless an equal copy is there; StepFailed when another file has its name."""
    digest, standing = frames.sha256(source), look_at(there, copy.name)
    if standing is None:
        size = os.fstat(source).st_size
        with spooled(there, copy, os.fstat(source), size) as target:
            for offset in range(0, size, _CHUNK):
                write_all(target, os.pread(source, _CHUNK, offset))
                beat(offset)
        standing = os.stat(copy.name, dir_fd=there, follow_symlinks=False)
    with reading(there, copy.name, standing.st_ino) as target:
        if frames.sha256(target) != digest:
            raise StepFailed("not archived", on=str(copy), because="a file of this name differs", next="look at both by hand")


def _entry(copied: int, args: dict[str, Any]) -> catalogue.Entry:
    """Read a copy to its end, which proves every frame, and describe it."""
    size, head, tail = 0, b"", b""
    for plain in frames.content(copied):
        size += len(plain)
        head = head if len(head) >= _EDGE else (head + plain)[:_EDGE]
        tail = (tail + plain)[-_EDGE:]
    dates = (catalogue.content_date(head, last=False), catalogue.content_date(tail, last=True))
    file = (frames.sha256(copied), Size(os.fstat(copied).st_size), Size(size))
    return catalogue.Entry(args["stream"], args["target"], datetime.fromisoformat(args["stamp"]).isoformat(), *file, *dates)
