"""Objects: streams as files of zstd frames, hashed as they are written, read back in bounded memory."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from mainstay.model.errors import StepFailed
from mainstay.model.units import Size
from mainstay.system.files import no_space
from mainstay.vault import coding
from mainstay.vault.coding import Coded, CodingError, Raw, Track
from mainstay.vault.manifest import SEGMENT, Damaged, Segment, StoredObject, Stream
from mainstay.vault.names import BackupId, ObjectName, Sha256
from mainstay.vault.store import Work

_CHUNK = 1 << 20
_MARGIN = 1 << 20  # bytes by which the next window may begin before it is expected, since rows have gone


class Coders:
    """Threads that code segments for all streams of a backup, and the buffers in which segments are gathered."""

    def __init__(self, count: int) -> None:
        self.threads = ThreadPoolExecutor(count)
        self._free: list[bytearray] = []

    def buffer(self) -> bytearray:
        """Return a buffer for one segment: a used one where there is one, for its pages are there already."""
        return self._free.pop() if self._free else bytearray(SEGMENT)

    def reuse(self, buffer: bytearray) -> None:
        """Take a buffer back that nobody writes or reads any more."""
        self._free.append(buffer)


class Writer:
    """Write one stream as one object, coded in another thread; a stream that equals its base stores nothing at all."""

    def __init__(self, path: Path, base: Reader | None, coders: Coders, work: Work) -> None:
        self.path, self._base, self._coders, self._work = path, base, coders, work
        self._stored = hashlib.sha256()
        self._track = Track()
        self._gathering: bytearray | None = None
        self._filled = 0
        self._coding: tuple[Future[Coded], bytearray] | None = None  # the segment before, in the buffer that it was gathered in
        self._segments: list[Segment] = []
        self._out = new_file(path)

    def write(self, chunk: bytes | bytearray | memoryview) -> int:
        """Take bytes of the stream."""
        rest = memoryview(chunk)
        while rest:
            buffer = self._gathering = self._gathering or self._coders.buffer()
            length = min(len(rest), SEGMENT - self._filled)
            memoryview(buffer)[self._filled : self._filled + length] = rest[:length]
            self._filled, rest = self._filled + length, rest[length:]
            if self._filled == SEGMENT:
                self._code(buffer, buffer)
        self._work.moved(len(chunk))
        return len(chunk)

    def close(self, name: str, made: BackupId) -> Stream:
        """Finish the object durably, and describe the stream."""
        if self._gathering:
            self._code(self._gathering[: self._filled], self._gathering)
        self._settle()
        if self._base:
            self._base.close()
        with no_space(self.path, Size(_CHUNK)), self._out as out:
            out.flush()
            os.fsync(out.fileno())
            _forget_pages(out)  # reading it back reads the disk
        segments, base = tuple(self._segments), self._base.object if self._base else None
        sizes = Size(sum(one.stored for one in segments)), Size(sum(one.raw for one in segments))
        if base and sizes[1] == base.raw_bytes and _in_place(segments):
            self.path.unlink()
            return Stream(ObjectName(name), base)
        known = StoredObject(Sha256(self._stored.hexdigest()), *sizes, made, segments)
        return Stream(ObjectName(name), known, base if any(one.base for one in segments) else None)

    def forget(self) -> None:
        """Remove what was written."""
        if self._coding and not self._coding[0].cancel():
            wait((self._coding[0],))
        if self._base:
            self._base.close()
        self._out.close()
        self.path.unlink(missing_ok=True)

    def _code(self, raw: bytearray, buffer: bytearray) -> None:
        """Hand a segment to another thread, once the one before is written: only then it is known where this one is expected."""
        self._settle()
        self._coding = self._coders.threads.submit(self._changed if self._base else coding.alone, raw), buffer
        self._gathering, self._filled = None, 0
        if self._base:
            self._settle()

    def _changed(self, raw: bytearray) -> Coded:
        """Code a segment as what changed since the base."""
        assert self._base
        return coding.changed(raw, self._track, self._base.window, self._base.object.raw_bytes)

    def _settle(self) -> None:
        """Write the segment that is at work."""
        if self._coding is None:
            return
        (coded, buffer), self._coding = self._coding, None
        try:
            segment, frame = coded.result()
        except CodingError as error:
            raise StepFailed(
                "a segment does not come back from its frame",
                on=self.path.name,
                because=str(error),
                next="check the memory of this machine, and back up again",
            ) from error
        with no_space(self.path, Size(len(frame))):
            self._out.write(frame)
            _forget_pages(self._out)
        self._stored.update(frame)
        self._segments.append(segment)
        self._coders.reuse(buffer)


@dataclass
class Reader:
    """Reads an object below the folder `root` of a repository; `base` reads the object that its windows come from."""

    root: Path
    object: StoredObject
    base: Reader | None = None
    path: Path | None = None  # of a file that has no name in the repository yet
    _shared: bytearray = field(default_factory=bytearray)  # what the next window is expected to have in common with the last one
    _shared_at: int = -1
    _following: Generator[Raw] | None = None  # decodes what comes after it, from a file that is open

    @classmethod
    def of(cls, root: Path, stream: Stream, made: Mapping[Sha256, Path] | None = None) -> Reader:
        """Return the reader of a stream; `made` says where files lie that have no name in the repository yet."""
        base, path = stream.base, (made or {}).get(stream.object.sha256)
        return cls(root, stream.object, cls(root, base) if base else None, path)

    def chunks(self, work: Work) -> Generator[Raw]:
        """Yield what the object holds, each frame checked as it is decoded, the file at its end; Damaged names the object.

        A base is hashed whole before it is used: a wrong one is told by its name.
        """
        stored = hashlib.sha256()
        if self.base:
            self.base.require_unaltered(work)
        with self._opened() as file, closing(self.base or self):
            for segment in self.object.segments:
                yield from self._decoded(segment, _frame(file, segment, stored.update))
            self._require_end(file)
        if stored.hexdigest() != self.object.sha256:
            raise self._damaged("its SHA-256 is not the one in its name")

    def require_unaltered(self, work: Work) -> None:
        """Hash the stored file; Damaged when it is not what its name says."""
        stored = hashlib.sha256()
        with self._opened() as file:
            while chunk := file.read(_CHUNK):
                stored.update(chunk)
                work.pulse()
        if stored.hexdigest() != self.object.sha256:
            raise self._damaged("its SHA-256 is not the one in its name")

    def window(self, start: int, length: int) -> Raw:
        """Return bytes of what the object holds, which stands alone. Windows that move on decode everything once."""
        if not self._shared_at <= start <= self._shared_at + len(self._shared):
            number = start // SEGMENT  # what stands alone is cut at every SEGMENT
            self.close()
            self._shared, self._shared_at, self._following = bytearray(), number * SEGMENT, self._decoded_from(number)
        window, at, end = bytearray(length), self._shared_at, start + length
        piece: Raw = b""
        for piece in chain((self._shared,), self._following or ()):
            first = max(start, at)
            part = memoryview(piece)[first - at : end - at]
            memoryview(window)[first - start : first - start + len(part)] = part
            at += len(piece)
            if at >= end:
                break
        else:
            raise self._damaged(f"it ends before byte {end}")
        kept = min(length, SEGMENT - _MARGIN)
        self._shared, self._shared_at = window[kept:], start + kept
        self._shared += piece[len(piece) - (at - end) :]
        return window

    def close(self) -> None:
        """Let go of the file that windows come from."""
        if self._following:
            self._following.close()

    def _decoded_from(self, number: int) -> Generator[Raw]:
        """Decode from a segment on."""
        with self._opened() as file:
            file.seek(sum(one.stored for one in self.object.segments[:number]))
            for segment in self.object.segments[number:]:
                with self._explained():
                    yield from coding.pieces(segment, _frame(file, segment))

    def _decoded(self, segment: Segment, frame: Iterable[bytes]) -> Iterator[Raw]:
        """Decode a segment, in pieces where it stands alone."""
        with self._explained():
            if segment.base:
                yield coding.decode(segment, frame, self.base.window if self.base else _nothing)
            else:
                yield from coding.pieces(segment, frame)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
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

    def __init__(self, pieces: Generator[Raw], work: Work) -> None:
        self._pieces, self._work, self._rest = pieces, work, memoryview(b"")

    def readable(self) -> bool:
        """Tell that this can be read."""
        return True

    def close(self) -> None:
        """Close what the pieces come from."""
        self._pieces.close()
        super().close()

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


def _in_place(segments: Iterable[Segment]) -> bool:
    """Tell whether every segment is the part of the base that lies where it lies."""
    at = 0
    for one in segments:
        if one.stored or one.base_at != at:
            return False
        at += one.raw
    return True


def _frame(file: BinaryIO, segment: Segment, seen: Callable[[bytes], object] = lambda _: None) -> Iterator[bytes]:
    """Read the frame of a segment in pieces, each of which is shown to `seen`."""
    rest = segment.stored
    while rest and (chunk := file.read(min(rest, _CHUNK))):
        seen(chunk)
        rest -= len(chunk)
        yield chunk


def _forget_pages(out: BinaryIO) -> None:
    """Let the kernel write a file out, and keep nothing of what it has written."""
    os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _nothing(_start: int, _length: int) -> Raw:
    raise CodingError("it stands on a base, and names none")
