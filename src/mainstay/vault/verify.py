"""Read a backup to its last byte and name everything that is not as its manifest says."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from mainstay.vault import manifest as manifests
from mainstay.vault.manifest import MANIFEST, SUMS, Damaged, Manifest, StoredObject, Stream
from mainstay.vault.names import BackupId, Sha256
from mainstay.vault.objects import Reader
from mainstay.vault.repository import Repository
from mainstay.vault.store import Work


def verify(repository: Repository, id: BackupId, work: Work) -> tuple[str, ...]:
    """Return what is wrong with a backup, each naming the file; empty when every byte is as it was stored."""
    folder = repository.folder(id)
    try:
        manifest, _ = manifests.read(folder, id)
        found = (*_strays(folder), *unreadable(repository.root, manifest.streams, work))
    except Damaged as error:
        found = (f"{folder.name}/{Path(error.on).name}: {error.what}: {error.because}",)
    if found:
        repository.require_there()
    return found


def read_back(repository: Repository, manifest: Manifest, made: Mapping[Sha256, Path], work: Work) -> tuple[str, ...]:
    """Check a backup before it is seen: its new files are read to the end, the others are there in their length."""
    new = [stream for stream in manifest.streams if stream.object.sha256 in made]
    old = [one for one in manifest.objects.values() if one.sha256 not in made]
    return (*altered(repository.root, new, work, made), *filter(None, (_absent(repository.root, one) for one in old)))


def altered(root: Path, streams: Iterable[Stream], work: Work, made: Mapping[Sha256, Path] | None = None) -> tuple[str, ...]:
    """Hash the files of streams and of their bases, each once. Those that are not altered decode: they did when they were made.

    `made` says where files lie that have no name in the repository yet; their bases were hashed before they were used.
    """
    found, seen = [], set[Sha256]()
    for one in streams:
        reader = Reader.of(root, one, made)
        for each in filter(None, (reader, None if made else reader.base)):
            if each.object.sha256 in seen:
                continue
            seen.add(each.object.sha256)
            try:
                each.require_unaltered(work)
            except Damaged as error:
                found.append(f"{one.name}: {error.on}: {error.because}")
    return tuple(found)


def unreadable(root: Path, streams: Iterable[Stream], work: Work) -> tuple[str, ...]:
    """Decode streams to their ends."""
    found = []
    for one in streams:
        try:
            for piece in Reader.of(root, one).chunks(work):
                work.moved(len(piece))
        except Damaged as error:
            found.append(f"{one.name}: {error.on}: {error.because}")
    return tuple(found)


def _absent(root: Path, one: StoredObject) -> str:
    try:
        length = os.lstat(root / one.sha256.path).st_size
    except OSError as error:
        return f"{one.sha256.path}: {error.strerror}"
    return "" if length == one.stored_bytes else f"{one.sha256.path}: it has {length} bytes, and not {one.stored_bytes}"


def _strays(folder: Path) -> list[str]:
    """Name the files that are no part of a backup; what is missing is found by reading it."""
    seen = {entry.name for entry in folder.iterdir()} - {MANIFEST, SUMS, f"{MANIFEST}.asc"}
    return [f"{folder.name}/{name}: is not in the manifest" for name in sorted(seen)]
