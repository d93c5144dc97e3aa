"""Files of the archive: zstd with a checksum, durable before they have a name, and never written over."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from mainstay.model.errors import StepFailed
from mainstay.model.units import Size
from mainstay.system.files import no_space, sync_folder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SUFFIX = ".zst"
_CHUNK = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPTIONS: dict[int, int] = {zstd.CompressionParameter.compression_level: 3, zstd.CompressionParameter.checksum_flag: 1}

Moved = Callable[[int], None]  # called with the bytes of each chunk; raises when the work has to stop


class Damaged(StepFailed):
    """A file of the archive is not what was written; the message names it."""


@dataclass(frozen=True)
class Packed:
    """What was written: bytes before and after, and the digest of the file."""

    raw: Size
    stored: Size
    sha256: str


def pack(source: BinaryIO, path: Path, moved: Moved) -> Packed:
    """Compress a stream to a new file, durably."""
    frame, digest, raw = zstd.ZstdCompressor(options=_OPTIONS), hashlib.sha256(), 0
    with no_space(path, Size(_CHUNK)), os.fdopen(os.open(path, _NEW, 0o600), "wb") as out:
        while chunk := source.read(_CHUNK):
            raw += len(chunk)
            _write(out, digest, frame.compress(chunk))
            moved(len(chunk))
        _write(out, digest, frame.flush())
        out.flush()
        os.fsync(out.fileno())
        return Packed(Size(raw), Size(out.tell()), digest.hexdigest())


@contextmanager
def unpacked(path: Path) -> Iterator[BinaryIO]:
    """Open what a file holds; Damaged when it turns out, while it is read, not to be what was written."""
    try:
        with zstd.open(path, "rb") as file:
            yield cast(BinaryIO, file)
    except (zstd.ZstdError, EOFError) as error:
        raise damaged(path, str(error)) from error


def publish(part: Path, path: Path) -> None:
    """Give a finished file its name, unless that is taken: FileExistsError."""
    os.link(part, path)
    part.unlink()
    sync_folder(path.parent)


def equal(source: Path, path: Path) -> bool:
    """Tell whether a packed file holds what a plain one does."""
    with source.open("rb") as plain, unpacked(path) as other:
        while True:
            chunk = plain.read(_CHUNK)
            if chunk != _exactly(other, max(len(chunk), 1)):
                return False
            if not chunk:
                return True


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def damaged(path: Path, because: str) -> Damaged:
    """Say that a file is damaged."""
    return Damaged("a file of the archive is damaged", on=str(path), because=because, next="make a new base backup now")


def _exactly(file: BinaryIO, count: int) -> bytes:
    pieces = []
    while count and (piece := file.read(count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _write(out: BinaryIO, digest: hashlib._Hash, chunk: bytes) -> None:
    digest.update(chunk)
    out.write(chunk)
