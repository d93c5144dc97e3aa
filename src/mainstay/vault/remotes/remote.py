"""What a remote can do, and how often it is asked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from mainstay.model.errors import StepFailed, Unreachable
from mainstay.model.units import Size
from mainstay.system import clock
from mainstay.system.files import no_space
from mainstay.vault.store import Work

CHUNK = 1 << 20
_WAITS = (0.5, 1.5, 4.0)  # seconds before the next attempt
T = TypeVar("T")


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes; none at the end."""


class Writable(Protocol):
    """What bytes go to."""

    def write(self, chunk: bytes, /) -> object:
        """Take bytes."""


class Exists(StepFailed):
    """There is a file of that name already; nothing was written."""


class Missing(StepFailed):
    """There is no file of that name."""


@dataclass(frozen=True)
class Stored:
    """A file at a remote."""

    name: str
    size: Size


class Remote(Protocol):
    """A flat store of files by name, such as `backups/ID/SHA256SUMS`. A name appears with its whole content, or not at all.

    Every call ends: it has a deadline of its own, and `work` stops it between chunks. A failure that passes by itself is
    Unreachable, and the call may be repeated as it is; wrong credentials, an unknown host key or a missing bucket are Refused.
    """

    def put(self, name: str, source: Path, sha256: str, work: Work) -> None:
        """Store a file under a new name; Exists where the name is taken."""

    def read(self, name: str) -> Iterator[bytes]:
        """Yield a file in chunks; Missing when it is not there."""

    def sha256(self, name: str, work: Work) -> str:
        """Return the SHA-256 of what is stored now, told by the server or read back; Missing when it is not there."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Return every file whose name begins with a prefix that ends in "/"."""

    def delete(self, name: str) -> None:
        """Remove a file; nothing when there is none."""

    def tidy(self, name: str) -> None:
        """Remove what a killed `put` of this name left half made."""


def patiently(call: Callable[[], T], work: Work) -> T:
    """Call, and call again a little later when the other side did not answer."""
    for wait in _WAITS:
        try:
            return call()
        except Unreachable:
            work.pulse()
            clock.sleep(min(wait, work.deadline.left))
    return call()


def fetched(remote: Remote, name: str, out: Path, work: Work) -> str:
    """Write a file of a remote to a new local file, durably, and return the SHA-256 of what came."""

    def attempt() -> str:
        with no_space(out, Size(CHUNK)), out.open("wb") as file:
            digest = hashed(remote.read(name), work, file)
            file.flush()
            os.fsync(file.fileno())
        return digest

    return patiently(attempt, work)


def listed(remote: Remote, prefix: str, work: Work) -> list[Stored]:
    """Return every file whose name begins with a prefix."""
    return patiently(lambda: list(remote.list(prefix)), work)


def content(remote: Remote, name: str, work: Work) -> bytes:
    """Return a small file of a remote."""
    return patiently(lambda: b"".join(remote.read(name)), work)


def hashed(chunks: Iterable[bytes], work: Work, out: Writable | None = None) -> str:
    """Return the SHA-256 of chunks, which are written to `out` as well."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        if out:
            out.write(chunk)
        work.moved(len(chunk))
    return digest.hexdigest()


def file_hash(path: Path, work: Work) -> str:
    """Return the SHA-256 of a local file."""
    with path.open("rb") as file:
        return hashed(chunks(file), work)


def chunks(file: Readable) -> Iterator[bytes]:
    """Yield an open file in chunks."""
    while chunk := file.read(CHUNK):
        yield chunk
