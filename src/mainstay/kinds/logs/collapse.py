"""Cutting whole blocks off the head of a file while others append to it (fallocate(2), FALLOC_FL_COLLAPSE_RANGE).

No line is lost because nothing is ever written or truncated at the end where the writers are. The cut lies on a block boundary,
so that a line may begin in one part and end in the next: parts joined in order are the log, byte for byte.
Whether a file was cut is told by where its first block lies on the disk (FIEMAP): appending never moves it, cutting always does.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import struct
from collections.abc import Callable, Iterator

from mainstay.kinds.logs.folder import write_all
from mainstay.model.errors import StepFailed

_COLLAPSE_RANGE = 0x08
_FIEMAP = 0xC020660B
_FIEMAP_SYNC = 1
_CHUNK = 1 << 20


def whole_blocks(fd: int) -> int:
    """Return how many bytes can be cut: whole blocks, and never the whole file."""
    seen, block = os.fstat(fd), os.fstatvfs(fd).f_bsize
    return max(0, (seen.st_size - 1) // block * block)


def first_block(fd: int) -> int:
    """Return where the file's first block lies on the disk, in bytes; 0 where the file system does not tell."""
    request = bytearray(struct.pack("=QQIIII", 0, 1, _FIEMAP_SYNC, 0, 1, 0) + bytes(56))
    try:
        fcntl.ioctl(fd, _FIEMAP, request)
    except OSError:
        return 0
    mapped = struct.unpack_from("=I", request, 20)[0]
    return int(struct.unpack_from("=Q", request, 40)[0]) if mapped else 0


def why_not(folder: str) -> str:
    """Try it on a nameless file in the same folder; return why it cannot be done there, or ""."""
    try:
        fd = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        return f"cannot be tried here: {error.strerror}"
    try:
        block = os.fstatvfs(fd).f_bsize
        write_all(fd, bytes(2 * block))
        before = first_block(fd)
        cut(fd, block)
        return "" if before and before != first_block(fd) else "the file system does not tell where blocks lie"
    except OSError as error:
        return f"the file system cannot cut a file at its head: {error.strerror}"
    finally:
        os.close(fd)


def cut(fd: int, length: int) -> None:
    """Remove the first bytes of a file, durably; the rest moves to the front."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if libc.fallocate(fd, _COLLAPSE_RANGE, 0, length):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    os.fsync(fd)


def copy_head(source: int, target: int, length: int, beat: Callable[[int], None]) -> None:
    """Copy the first bytes, make them durable, and prove by reading back that the copy is equal."""
    digest = hashlib.sha256()
    for offset, chunk in _head(source, length):
        digest.update(chunk)
        write_all(target, chunk)
        beat(offset)
    os.fsync(target)
    if digest.digest() != head_digest(target, length):
        raise StepFailed("a copy differs from its source", because="the bytes read back are not those written")


def head_digest(fd: int, length: int) -> bytes:
    """Return the SHA-256 of the first bytes."""
    digest = hashlib.sha256()
    for _, chunk in _head(fd, length):
        digest.update(chunk)
    return digest.digest()


def _head(fd: int, length: int) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < length:
        chunk = os.pread(fd, min(_CHUNK, length - offset), offset)
        if not chunk:
            raise StepFailed("a log became shorter while it was read", because=f"ends at {offset}, was {length} bytes long")
        yield offset, chunk
        offset += len(chunk)
