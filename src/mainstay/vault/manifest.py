"""What a backup says of itself: `manifest.json`, and beside it `SHA256SUMS`, which `sha256sum -c` checks without Mainstay."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from mainstay.model.codec import canonical, decode
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system.files import write_atomic
from mainstay.vault.names import BackupId, ObjectName, ObjectPath

VERSION = 1
MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
_LARGEST = 64 << 20  # bytes of a manifest: 200,000 objects


class Damaged(StepFailed):
    """A stored backup is not what was stored; the message names the file."""


@dataclass(frozen=True)
class StoredObject:
    """One file of a dump as it is stored. A delta names its `base` (ID/NAME); `depth` is how many bases it stands on."""

    name: ObjectName
    path: ObjectPath
    codec: Literal["zstd"]
    raw_bytes: Size
    stored_bytes: Size
    sha256: str  # of the stored file
    raw_sha256: str  # of the decoded file
    base: str | None = None
    depth: int = 0


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
    objects: tuple[StoredObject, ...]
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
        return Size(sum(one.raw_bytes for one in self.objects))

    @property
    def stored_bytes(self) -> Size:
        """Bytes in the repository."""
        return Size(sum(one.stored_bytes for one in self.objects))


def seal(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and the sums into a backup that is being made."""
    content = canonical(manifest)
    write_atomic(folder / MANIFEST, content)
    write_atomic(folder / SUMS, sums(manifest, hashlib.sha256(content).hexdigest()))


def sums(manifest: Manifest, manifest_sha256: str) -> bytes:
    """Return the text of SHA256SUMS."""
    lines = [(manifest_sha256, MANIFEST), *((one.sha256, one.path) for one in manifest.objects)]
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
    """Refuse what `decode` lets through: null for a text or a number, a time without a zone, one place for two objects."""
    objects = manifest.objects
    texts = (manifest.id, manifest.target, manifest.kind, manifest.run, *manifest.counts, *manifest.digests)
    texts += tuple(text for one in objects for text in (one.name, one.path, one.sha256, one.raw_sha256))
    numbers = [number for one in objects for number in (one.raw_bytes, one.stored_bytes)]
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, int) for number in numbers):
        raise ValueError("a field has the wrong type")
    if manifest.created.tzinfo is None:
        raise ValueError("a time has no zone")
    if min(len({one.name for one in objects}), len({one.path for one in objects})) < len(objects):
        raise ValueError("an object is listed twice")
    if strange := [one.codec for one in objects if one.codec != "zstd" or one.base is not None]:
        raise ValueError(f"an object is coded in a way that this version cannot read: {strange[0]}")


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
