"""What a backup says of itself: `manifest.json`, and beside it `SHA256SUMS`, which `sha256sum -c` checks without Mainstay."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.model.codec import canonical, decode
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system.files import write_atomic
from mainstay.vault.names import BackupId, ObjectName, Sha256

VERSION = 3  # 2 held a digest of each decoded file as well
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
_LARGEST = 256 << 20  # bytes of a manifest: a million streams, or 50 TB
SEGMENT, WINDOW = 16 << 20, 20 << 20  # most bytes of a segment and of its window: what they cost in memory


class Damaged(StepFailed):
    """A stored backup is not what was stored; the message names the file."""


@dataclass(frozen=True)
class Segment:
    """One frame of an object: `raw` bytes of the stream in `stored` bytes of the file.

    A frame of a delta has as its prefix the window of `base` bytes from `base_at` on in what the base object holds; `base` is 0
    for a frame that stands alone. Nothing is stored (0) of a segment that equals its window.
    """

    raw: int
    stored: int
    base_at: int = 0
    base: int = 0


@dataclass(frozen=True)
class StoredObject:
    """A stored file, named by its own digest. `made` is the backup that stored it first."""

    sha256: Sha256
    stored_bytes: Size
    raw_bytes: Size
    made: BackupId
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Stream:
    """One stream of a dump and the object that holds it; that of a delta stands on `base`, which stands alone."""

    name: ObjectName
    object: StoredObject
    base: StoredObject | None = None

    @property
    def objects(self) -> tuple[StoredObject, ...]:
        """Return every stored file that the stream needs."""
        return (self.object, self.base) if self.base else (self.object,)


@dataclass(frozen=True)
class Manifest:
    """One complete backup of one target. Readers ignore fields that they do not know; `version` rises when that is not enough."""

    version: int
    id: BackupId
    target: str
    kind: str
    created: datetime  # when the dump began, UTC
    site: str
    run: str  # what the run calls this effect
    tools: dict[str, str]
    streams: tuple[Stream, ...]
    counts: dict[str, int]
    digests: dict[str, str]
    duration: Duration
    previous: BackupId | None = None  # the newest backup of the same target when this one was made
    ledger_head: str = ""
    notes: tuple[str, ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def raw_bytes(self) -> Size:
        """Bytes of the dump."""
        return Size(sum(one.object.raw_bytes for one in self.streams))

    @property
    def objects(self) -> dict[Sha256, StoredObject]:
        """Every stored file that the backup needs, each once."""
        return {one.sha256: one for stream in self.streams for one in stream.objects}

    @property
    def stored_bytes(self) -> Size:
        """Bytes of those files; other backups may need some of them too."""
        return Size(sum(one.stored_bytes for one in self.objects.values()))

    @property
    def added_bytes(self) -> Size:
        """Bytes of the files that this backup was the first to store."""
        return Size(sum(one.stored_bytes for one in self.objects.values() if one.made == self.id))


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and the sums into a backup that is being made."""
    content = canonical(manifest)
    write_atomic(folder / MANIFEST, content)
    write_atomic(folder / SUMS, sums(manifest, hashlib.sha256(content).hexdigest()))


def sums(manifest: Manifest, manifest_sha256: str) -> bytes:
    """Return the text of SHA256SUMS, seen from the folder of the backup."""
    lines = [(manifest_sha256, MANIFEST), *((one, f"../../{one.path}") for one in sorted(manifest.objects))]
    return "".join(f"{digest}  {path}\n" for digest, path in lines).encode()


def read(folder: Path, id: BackupId) -> tuple[Manifest, str]:
    """Read the manifest of the backup `id` in `folder` and return it with its SHA-256; Damaged when it is not to be trusted."""
    path = folder / MANIFEST
    content = _bounded(path)
    manifest, digest = parse(content, path), hashlib.sha256(content).hexdigest()
    if manifest.id != id:
        raise Damaged("this manifest belongs to another backup", on=str(path), because=f"its id is {manifest.id}")
    if _bounded(folder / SUMS) != sums(manifest, digest):
        because = f"SHA-256 of {MANIFEST} or of an object is not the one in {SUMS}"
        raise Damaged("manifest and checksums disagree", on=str(path), because=because)
    return manifest, digest


def parse(content: bytes, path: Path) -> Manifest:
    """Turn the bytes of a manifest into a Manifest; Damaged says what is wrong, whatever the bytes are."""
    try:
        value = json.loads(content)
        if value["version"] > VERSION:
            raise Damaged(
                "this backup was made by a newer Mainstay",
                on=str(path),
                because=f"manifest version {value['version']} > {VERSION}",
            )
        manifest = decode(Manifest, value)
        _require_types(manifest)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Damaged(
            "the manifest cannot be read", on=str(path), because=str(error)[:200], next="restore from another backup"
        ) from error
    return manifest


def _require_types(manifest: Manifest) -> None:
    """Refuse what `decode` lets through: null for a text or a number, a time without a zone, one name for two streams."""
    texts = (manifest.id, manifest.target, manifest.kind, manifest.run, *manifest.counts, *manifest.digests)
    if not all(isinstance(text, str) for text in (*texts, *(one.name for one in manifest.streams))):
        raise ValueError("a field has the wrong type")
    if manifest.created.tzinfo is None:
        raise ValueError("a time has no zone")
    if len({one.name for one in manifest.streams}) < len(manifest.streams):
        raise ValueError("a stream is listed twice")
    for one in manifest.streams:
        _require_object(one.object, one.base)
        if one.base:
            _require_object(one.base, None)


def _require_object(one: StoredObject, base: StoredObject | None) -> None:
    """Refuse an object whose parts do not add up, or reach beyond its base."""
    if not isinstance(one, StoredObject) or not all(isinstance(text, str) for text in (one.sha256, one.made)):
        raise ValueError("a field of an object has the wrong type")
    numbers = [one.stored_bytes, one.raw_bytes, *(n for each in one.segments for n in astuple(each))]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise ValueError("a size of an object is none")
    stored, raw = sum(each.stored for each in one.segments), sum(each.raw for each in one.segments)
    if (stored, raw) != (one.stored_bytes, one.raw_bytes) or any(each.raw > SEGMENT for each in one.segments):
        raise ValueError(f"the segments of {one.sha256[:12]} do not add up")
    reach = base.raw_bytes if base else 0
    if any(each.base > WINDOW or each.base_at + each.base > reach for each in one.segments):
        raise ValueError(f"a segment of {one.sha256[:12]} reaches beyond its base")
    if any(not each.stored and each.base != each.raw for each in one.segments):
        raise ValueError(f"a segment of {one.sha256[:12]} is nowhere")


def _bounded(path: Path) -> bytes:
    """Read a small regular file; no link is followed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Damaged(f"{path.name} cannot be read", on=str(path), because=error.strerror or str(error)) from error
    with os.fdopen(fd, "rb") as file:
        try:
            content = file.read(_LARGEST + 1)
        except OSError as error:
            raise Damaged(f"{path.name} cannot be read", on=str(path), because=error.strerror or str(error)) from error
    if len(content) > _LARGEST:
        raise Damaged(f"{path.name} is too long", on=str(path), because=f"more than {Size(_LARGEST)}")
    return content
