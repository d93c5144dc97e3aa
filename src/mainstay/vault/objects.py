"""Objects: streams as files of zstd frames, hashed on both sides in one pass, read back in bounded memory."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

from mainstay.model.units import Size
from mainstay.system.files import no_space
from mainstay.vault import coding
from mainstay.vault.coding import CodingError, Raw, Track
from mainstay.vault.manifest import SEGMENT, Damaged, Segment, StoredObject, Stream
from mainstay.vault.names import BackupId, ObjectName, Sha256
from mainstay.vault.store import Work

_CHUNK = 1 << 20
_AHEAD = 2  # segments of one stream that are being coded while the next one is gathered

Coded = tuple[Segment, bytes]


class Writer:
    """Write one stream as one object, coded in other threads; a stream that equals its base stores nothing at all."""

    def __init__(self, path: Path, base: Reader | None, threads: Executor, work: Work) -> None:
        self.path, self._base, self._threads, self._work = path, base, threads, work
        self._raw, self._stored = hashlib.sha256(), hashlib.sha256()
        self._gathered, self._track = bytearray(), Track()
        self._coding: deque[Future[Coded]] = deque()
        self._segments: list[Segment] = []
        self._out = new_file(path)

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        """Take bytes of the stream."""
        self._raw.update(chunk)
        self._gathered += chunk
        while len(self._gathered) >= SEGMENT:
            self._code(SEGMENT)
        self._work.moved(len(chunk))
        return len(chunk)

    def close(self, name: str, made: BackupId) -> Stream:
        """Finish the object durably, and describe the stream."""
        if self._gathered:
            self._code(len(self._gathered))
        self._settle(0)
        with no_space(self.path, Size(_CHUNK)), self._out as out:
            out.flush()
            os.fsync(out.fileno())
            os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # reading it back reads the disk
        raw, segments = Sha256(self._raw.hexdigest()), tuple(self._segments)
        sizes = Size(sum(one.stored for one in segments)), Size(sum(one.raw for one in segments))
        base = self._base.object if self._base else None
        if base and (base.raw_bytes, base.raw_sha256) == (sizes[1], raw):
            self.path.unlink()
            return Stream(ObjectName(name), base)
        known = StoredObject(Sha256(self._stored.hexdigest()), *sizes, raw, made, segments)
        return Stream(ObjectName(name), known, base if any(one.base for one in segments) else None)

    def forget(self) -> None:
        """Remove what was written."""
        while self._coding:
            self._coding.popleft().cancel()
        self._out.close()
        self.path.unlink(missing_ok=True)

    def _code(self, length: int) -> None:
        """Hand a segment to another thread; one at a time where each has to wait for where the one before was found."""
        self._settle(0 if self._base else _AHEAD - 1)
        with memoryview(self._gathered) as gathered:
            raw = bytes(gathered[:length])
        del self._gathered[:length]
        self._coding.append(self._threads.submit(self._changed if self._base else coding.alone, raw))

    def _changed(self, raw: bytes) -> Coded:
        """Code a segment as what changed since the base."""
        assert self._base
        return coding.changed(raw, self._track, self._base.window, self._base.object.raw_bytes)

    def _settle(self, most: int) -> None:
        """Write what has been coded, in order, until at most so many segments are still at work."""
        while len(self._coding) > most:
            segment, frame = self._coding.popleft().result()
            with no_space(self.path, Size(len(frame))):
                self._out.write(frame)
            self._stored.update(frame)
            self._segments.append(segment)


@dataclass
class Reader:
    """Reads an object below the folder `root` of a repository; `base` reads the object that its windows come from."""

    root: Path
    object: StoredObject
    base: Reader | None = None
    path: Path | None = None  # of a file that has no name in the repository yet
    _starts: list[int] = field(default_factory=list)  # where each segment begins in the file
    _held: dict[int, Raw] = field(default_factory=dict)  # decoded segments of a base, the newest last

    @classmethod
    def of(cls, root: Path, stream: Stream, made: Mapping[Sha256, Path] | None = None) -> Reader:
        """Return the reader of a stream; `made` says where files lie that have no name in the repository yet."""
        base, path = stream.base, (made or {}).get(stream.object.sha256)
        return cls(root, stream.object, cls(root, base) if base else None, path)

    def chunks(self) -> Iterator[Raw]:
        """Yield what the object holds, checked against both of its digests at the end; Damaged names the object.

        A base is hashed whole before it is used: a wrong one is told by its name.
        """
        stored, raw = hashlib.sha256(), hashlib.sha256()
        if self.base:
            self.base.require_sound()
        with self._opened() as file:
            for segment in self.object.segments:
                frame = file.read(segment.stored)
                stored.update(frame)
                piece = self._decoded(segment, frame)
                raw.update(piece)
                yield piece
            self._require_end(file)
        if stored.hexdigest() != self.object.sha256:
            raise self._damaged("its SHA-256 is not the one in its name")
        if raw.hexdigest() != self.object.raw_sha256:
            raise self._damaged("it does not hold the bytes that were stored")

    def require_sound(self) -> None:
        """Hash the stored file."""
        stored = hashlib.sha256()
        with self._opened() as file:
            while chunk := file.read(_CHUNK):
                stored.update(chunk)
        if stored.hexdigest() != self.object.sha256:
            raise self._damaged("its SHA-256 is not the one in its name, and deltas stand on it")

    def window(self, start: int, length: int) -> Raw:
        """Return bytes of what the object holds, which stands alone; the last segment stays in memory."""
        window, end = bytearray(length), start + length
        for number in range(start // SEGMENT, -(-end // SEGMENT)):  # what stands alone is cut at every SEGMENT
            first = number * SEGMENT
            piece = memoryview(self._segment(number))[max(start - first, 0) : end - first]
            at = max(first - start, 0)
            window[at : at + len(piece)] = piece
            self._held = {number: self._segment(number)}
        return window

    def _segment(self, number: int) -> Raw:
        if number not in self._held:
            segment = self.object.segments[number]
            self._starts = self._starts or [0, *accumulate(one.stored for one in self.object.segments)]
            with self._opened() as file:
                file.seek(self._starts[number])
                self._held[number] = self._decoded(segment, file.read(segment.stored))
        return self._held[number]

    def _decoded(self, segment: Segment, frame: bytes) -> Raw:
        try:
            return coding.decode(segment, frame, self.base.window if self.base else _nothing)
        except CodingError as error:
            on = f", with the base {self.base.object.sha256[:12]}" if self.base else ""
            raise self._damaged(f"{error}{on}") from error

    def _require_end(self, file: BinaryIO) -> None:
        if file.read(1):
            raise self._damaged(f"it is longer than the {self.object.stored_bytes} that were stored")

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """Open the object's file, which must be a regular file and no link."""
        path = self.path or self.root / self.object.sha256.path
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise self._damaged(error.strerror or str(error)) from error
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise self._damaged("it is not a regular file")
            yield file

    def _damaged(self, because: str) -> Damaged:
        return Damaged("an object is damaged", on=self.object.sha256.path, because=because, next="restore from another backup")


class Reading(io.RawIOBase):
    """A stream that is read piece by piece."""

    def __init__(self, pieces: Iterator[Raw], work: Work) -> None:
        self._pieces, self._work, self._rest = pieces, work, memoryview(b"")

    def readable(self) -> bool:
        """Tell that this can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the piece at hand goes; 0 at the end of the stream, once its digests were right."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
            self._work.moved(len(piece))
        length = min(len(buffer), len(self._rest))
        buffer[:length], self._rest = self._rest[:length], self._rest[length:]
        return length


def new_file(path: Path) -> BinaryIO:
    """Create a private file that was not there."""
    with no_space(path, Size(_CHUNK)):
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb")


def _nothing(_start: int, _length: int) -> Raw:
    raise CodingError("it stands on a base, and names none")
