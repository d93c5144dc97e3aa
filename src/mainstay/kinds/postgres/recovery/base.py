"""A base backup: what is known of it, and how it is read."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.kinds.postgres.recovery import packing, segments
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.kinds.postgres.recovery.packing import Moved
from mainstay.model.codec import canonical, decode
from mainstay.model.units import Duration, Size
from mainstay.system.files import sync_folder, write_atomic
from mainstay.vault.names import BackupId

TAR = f"base.tar{packing.SUFFIX}"
MANIFEST = "backup_manifest"
RECORD, SUMS = "base.json", "SHA256SUMS"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Base:
    """One base backup. It is consistent from `end` on: a recovery can go to any moment after `ended`, by the server's clock."""

    version: int
    id: BackupId  # which names the run that has made it
    system: str
    major: int
    version_text: str
    installer: str  # the role that every cluster has
    timeline: int
    start: str  # positions in the log
    end: str
    began: datetime
    ended: datetime
    files: int
    raw: Size
    stored: Size
    sha256: str  # of the packed file

    def first(self, size: int) -> int:
        """Return the number of the first segment that a recovery from it needs."""
        return segments.position(self.start) // size


@dataclass(frozen=True)
class Result:
    """What a recovery has shown: where it ended, what was counted and checked there, and the seconds of each part."""

    base: str
    major: int
    name: str
    at: datetime
    target: str
    reached: datetime | None  # the commit of the last transaction that was replayed
    position: str
    timeline: int
    tables: int
    rows: int
    checked: tuple[str, ...] = ()  # databases that pg_amcheck has read
    took: dict[str, float] = field(default_factory=dict)

    @property
    def all(self) -> Duration:
        """How long it took in all."""
        return Duration(sum(self.took.values()))


@dataclass(frozen=True)
class Kept:
    """A base backup of an archive, and the recoveries from it, the oldest first."""

    base: Base
    proofs: tuple[Result, ...] = ()


def kept(archive: Archive) -> tuple[tuple[Kept, ...], tuple[str, ...]]:
    """Return the base backups, the oldest first, and what lies among them that is none."""
    found, strange = [], []
    for path in sorted(archive.bases.iterdir()) if archive.bases.is_dir() else ():
        try:
            base = decode(Base, json.loads((path / RECORD).read_bytes()))
            found.append(Kept(base, _proofs(archive, base.id)))
        except (OSError, ValueError, TypeError, KeyError):
            strange.append(path.name)
    return tuple(sorted(found, key=lambda one: one.base.ended)), tuple(strange)


def write(folder: Path, base: Base, manifest: bytes) -> None:
    """Finish the folder of a base backup."""
    write_atomic(folder / MANIFEST, manifest)
    write_atomic(folder / RECORD, canonical(base))
    sums = [f"{base.sha256}  {TAR}", *(f"{packing.sha256(folder / name)}  {name}" for name in (MANIFEST, RECORD))]
    write_atomic(folder / SUMS, "".join(f"{line}\n" for line in sums).encode())


def prove(archive: Archive, result: Result) -> None:
    """Keep beside a base backup what a recovery from it has shown."""
    folder = archive.proofs / BackupId(result.base)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(archive.proofs)
    write_atomic(folder / f"{result.name}.json", canonical(result))


def check(archive: Archive, base: Base) -> None:
    """Read a base backup and compare its digest; Damaged names the file."""
    path = archive.bases / base.id / TAR
    if not path.is_file():
        raise packing.damaged(path, "it is not there")
    if (found := packing.sha256(path)) != base.sha256:
        raise packing.damaged(path, f"its SHA-256 is {found[:16]}..., {RECORD} says {base.sha256[:16]}...")


def examine(path: Path, moved: Moved) -> bytes:
    """Compare every file of a packed base backup with the server's own manifest, which is returned; Damaged at a difference."""
    seen: dict[str, tuple[int, str]] = {}
    manifest = b""
    with packing.unpacked(path) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and member.name == MANIFEST:
                manifest = content.read()
            elif content is not None:
                seen[member.name.removeprefix("./")] = (member.size, _digest(content, moved))
    for name, wanted in _listed(path, manifest):
        if seen.get(name) != wanted:
            raise packing.damaged(path, f"{name} is not what the manifest of the server says")
    return manifest


def ranges(manifest: bytes) -> list[dict[str, Any]]:
    """Return the parts of the log that a base backup needs: Timeline, Start-LSN, End-LSN of each."""
    found: list[dict[str, Any]] = json.loads(manifest)["WAL-Ranges"]
    return found


def files(manifest: bytes) -> int:
    """Count the files of a base backup."""
    return len(json.loads(manifest)["Files"])


def _listed(path: Path, manifest: bytes) -> Iterator[tuple[str, tuple[int, str]]]:
    if not manifest:
        raise packing.damaged(path, f"it ends without {MANIFEST}")
    for one in json.loads(manifest)["Files"]:
        name = one["Path"] if "Path" in one else os.fsdecode(bytes.fromhex(one["Encoded-Path"]))
        yield name, (one["Size"], one["Checksum"])


def _digest(content: Any, moved: Moved) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        digest.update(chunk)
        moved(len(chunk))
    return digest.hexdigest()


def _proofs(archive: Archive, id: BackupId) -> tuple[Result, ...]:
    found = [decode(Result, json.loads(path.read_bytes())) for path in (archive.proofs / id).glob("*.json")]
    return tuple(sorted(found, key=lambda one: one.at))
