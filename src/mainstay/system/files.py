"""The door to files: atomic writes, durable renames, walks that follow no link, and errors that name missing space."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mainstay.model.errors import StepFailed
from mainstay.model.units import Size

NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs", "fuse.glusterfs"})

_HERE, _NO_REPLACE, _EXCHANGE = -100, 1, 2  # AT_FDCWD and two flags


@dataclass(frozen=True)
class Room:
    """The space of the file system that holds a path."""

    total: Size
    free: Size  # to an ordinary user
    inodes: int
    inodes_free: int


def room(path: Path) -> Room:
    """Measure the file system of a path."""
    stat = os.statvfs(path)
    return Room(Size(stat.f_blocks * stat.f_frsize), Size(stat.f_bavail * stat.f_frsize), stat.f_files, stat.f_favail)


def filesystem(path: Path) -> str:
    """Return the type of the file system of a path, as /proc/self/mountinfo names it."""
    device = os.stat(path).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        left, _, right = line.partition(" - ")
        if left.split()[2] == wanted:
            return right.split()[0]
    return "unknown"


def sync_folder(folder: Path) -> None:
    """Make renames and new names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def rename_new(old: Path, new: Path) -> None:
    """Rename a file or folder durably, and fail where the new name exists: renameat2(2) with RENAME_NOREPLACE."""
    if error := _renameat2(old, new, _NO_REPLACE):
        raise StepFailed("cannot give this its name", on=str(new), because=os.strerror(error), next="name a new place")
    sync_folder(new.parent)


def exchange(one: Path, other: Path) -> None:
    """Let two files or folders of one file system change names durably, in one act: renameat2(2) with RENAME_EXCHANGE."""
    if error := _renameat2(one, other, _EXCHANGE):
        next = "both must lie on one file system that can do it (ext4, xfs, btrfs), and neither may be a mount point"
        raise StepFailed("two names cannot be exchanged", on=f"{one}, {other}", because=os.strerror(error), next=next)
    for folder in {one.parent, other.parent}:
        sync_folder(folder)


def _renameat2(old: Path, new: Path, flags: int) -> int:
    """Return 0, or the number of the error."""
    library = ctypes.CDLL(None, use_errno=True)
    failed = library.renameat2(_HERE, os.fsencode(old), _HERE, os.fsencode(new), flags)
    return ctypes.get_errno() if failed else 0


def remove(path: Path) -> None:
    """Remove what is there, if anything; no link is followed (shutil.rmtree walks by descriptor)."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.is_dir():
        for folder, names, _ in os.walk(path):  # a restored folder may be one that its owner cannot write to
            for place in (Path(folder, name) for name in names):
                if not place.is_symlink():
                    place.chmod(0o700)
        shutil.rmtree(path)


def write_atomic(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file so that a reader sees the old content or the new one, and a crash leaves one of them.

    One writer at a time: what a killed one left half written is written over by the next.
    """
    spool = spool_of(path)
    with no_space(path, Size(len(content))):
        try:
            fd = os.open(spool, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
            with os.fdopen(fd, "wb") as file:
                os.fchmod(fd, mode)
                file.write(content)
                file.flush()
                os.fsync(fd)
            os.replace(spool, path)
        finally:
            spool.unlink(missing_ok=True)
    sync_folder(path.parent)


def spool_of(path: Path) -> Path:
    """Return where a file is written before it gets its name."""
    return path.with_name(f".{path.name}.part")


@contextmanager
def no_space(path: Path, needed: Size) -> Iterator[None]:
    """Turn a full disk into a StepFailed that names the file, the bytes needed and the bytes free."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        have = room(path.parent)
        because = f"needs {needed}, {have.free} and {have.inodes_free} inodes are free"
        raise StepFailed("no space left", on=str(path), because=because, next=f"free space below {path.parent}") from error


def read_bounded(path: Path, most: Size) -> bytes:
    """Read a regular file of at most `most` bytes; OSError otherwise, and never a wait on a pipe or device."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        if found.st_size > most:
            raise OSError(errno.EFBIG, f"{Size(found.st_size)} are more than {most}", str(path))
        return file.read(most)
