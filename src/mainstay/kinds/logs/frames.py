"""Compression in independent zstd frames of 4 MiB: damage stays within a frame, and any zstd reads the whole."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from mainstay.kinds.logs.folder import write_all
from mainstay.model.errors import StepFailed

FRAME = 4 << 20
_READ = 1 << 20
_PIECE = 1 << 17  # decompressed at a time for comparison: stays in the cache
T = TypeVar("T")


def gently(work: Callable[[], T]) -> T:
    """Do some work in a thread of the lowest priority (nice 19, which also lowers its priority on the disk)."""
    with ThreadPoolExecutor(1, initializer=lambda: os.setpriority(os.PRIO_PROCESS, 0, 19)) as one:
        return one.submit(work).result()


def compress(source: int, target: int, level: int, beat: Callable[[int], None]) -> None:
    """Compress a file frame by frame; each frame is read back, decompressed and compared before the next one is made."""
    zstd = _zstd()
    options = {zstd.CompressionParameter.compression_level: level, zstd.CompressionParameter.checksum_flag: 1}
    packer, written = zstd.ZstdCompressor(options=options), 0
    for done, chunk in _chunks(source):
        frame = packer.compress(chunk, zstd.ZstdCompressor.FLUSH_FRAME)
        write_all(target, frame)
        if not _equal(os.pread(target, len(frame), written), chunk):
            raise StepFailed("a compressed frame differs from its source", because=f"frame at byte {done}")
        written += len(frame)
        beat(done)
    os.fsync(target)


def holds(packed: int, source: int) -> bool:
    """Say whether a compressed file is exactly what another file holds."""
    plain = hashlib.sha256()
    for chunk in content(packed):
        plain.update(chunk)
    return plain.hexdigest() == sha256(source)


def content(fd: int) -> Iterator[bytes]:
    """Yield the decompressed content; StepFailed when a frame is damaged or cut off."""
    zstd = _zstd()
    unpacker = zstd.ZstdDecompressor()
    for raw in _raw(fd):
        rest = raw
        while rest:
            if unpacker.eof:
                unpacker = zstd.ZstdDecompressor()
            try:
                plain = unpacker.decompress(rest)
            except zstd.ZstdError as error:
                raise StepFailed(
                    "a compressed log is damaged", because=str(error), next="keep it and look at it by hand"
                ) from error
            yield plain
            rest = unpacker.unused_data if unpacker.eof else b""
    if not unpacker.eof:
        raise StepFailed(
            "a compressed log is damaged", because="its last frame is cut off", next="keep it and look at it by hand"
        )


def sha256(fd: int) -> str:
    """Return the digest of a whole file."""
    digest = hashlib.sha256()
    for raw in _raw(fd):
        digest.update(raw)
    return digest.hexdigest()


def _chunks(fd: int) -> Iterator[tuple[int, bytearray]]:
    """Yield the file in frames, in one buffer: fresh ones cost a page fault every 4 KiB. An empty file is one empty frame."""
    buffer, offset = bytearray(FRAME), 0
    while size := os.preadv(fd, [buffer], offset):
        yield offset, buffer if size == FRAME else buffer[:size]
        offset += size
    if not offset:
        yield 0, bytearray()


def _equal(frame: bytes, plain: bytearray) -> bool:
    unpacker, place = _zstd().ZstdDecompressor(), 0
    while not unpacker.eof:
        piece = unpacker.decompress(frame, _PIECE)
        cut_off = not piece and not unpacker.eof
        if cut_off or piece != plain[place : place + len(piece)]:
            return False
        frame, place = b"", place + len(piece)
    return place == len(plain)


def _raw(fd: int) -> Iterator[bytes]:
    offset = 0
    while raw := os.pread(fd, _READ, offset):
        yield raw
        offset += len(raw)


def _zstd() -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd
