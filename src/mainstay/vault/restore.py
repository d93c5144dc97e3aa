"""Rebuild a backup at a new place, compare it with what was counted when it was made, and only then let it be seen."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from mainstay.model.errors import Refused, StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import no_space
from mainstay.vault import manifest as manifests
from mainstay.vault import places
from mainstay.vault import proof as proofs
from mainstay.vault.manifest import Damaged, Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.objects import Reader, Reading
from mainstay.vault.places import Place
from mainstay.vault.proof import Proof
from mainstay.vault.repository import Repository, require_room
from mainstay.vault.store import Dump, Rehearsing, Store, Work, can_inspect
from mainstay.vault.verify import altered

_WORN = 4  # times the bytes of a dump that a copy may need while it is worn and worked on


class Found(NamedTuple):
    """What a look at a rebuilt copy found: differences from its manifest, what was checked besides, faults of the content."""

    differences: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass
class Streams:
    """The source of one backup."""

    root: Path
    manifest: Manifest
    folder: Path
    work: Work

    @property
    def dump(self) -> Dump:
        """Return what the dump said of itself."""
        kept = self.manifest
        return Dump(kept.counts, kept.digests, kept.tools, kept.notes, kept.extra)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the streams, sorted."""
        return tuple(one.name for one in self.manifest.streams)

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Read one stream."""
        found = [one for one in self.manifest.streams if one.name == name]
        if not found:
            raise Damaged("the dump lacks a part", on=self.manifest.id, because=f"there is no stream {name}")
        with Reading(Reader.of(self.root, found[0]).chunks(self.work), self.work) as reading:
            yield cast(BinaryIO, io.BufferedReader(reading, 1 << 20))


@dataclass(frozen=True)
class Request:
    """What is to be restored: a backup, or one table or file of it, and the place that it gets."""

    id: BackupId
    into: str
    only: str = ""


def restore(repository: Repository, store: Store, request: Request, work: Work) -> Manifest:
    """Rebuild a backup at a place that must not exist; it appears there complete and compared, or not at all.

    Every stored byte is hashed before anything is made, and every digest is compared again while it is decoded.
    """
    id, into = request.id, request.into
    manifest, _ = manifests.read(repository.folder(id), id)
    if store.exists(into):
        raise Refused("a restore never writes over anything", on=into, because="it exists", next="name a new place")
    if found := altered(repository.root, manifest.streams, work):
        raise Damaged("the backup cannot be restored", on=id, because=found[0], next="restore from another backup")
    copy = store.half_made(into, id)
    store.remove(copy)
    try:
        with repository.part(scratch_name(into, id)) as part:
            rebuilt = _rebuilt(Streams(repository.root, manifest, part, work), store, copy, request.only)
        if rebuilt.differences:
            raise StepFailed("the restored copy is not what was backed up", on=id, because="; ".join(rebuilt.differences[:5]))
        if not request.only:
            places.write(repository, Place(1, manifest.target, into, "restored", id, clock.now()))
        store.rename(copy, into)
    finally:
        store.remove(copy)
    return manifest


def scratch_name(into: str, id: BackupId) -> str:
    """Name what a restore keeps in the repository while it is at work."""
    return f"restore-{hashlib.sha256(os.fsencode(into)).hexdigest()[:12]}-{id}"


def prove(repository: Repository, id: BackupId, store: Store, name: str, work: Work) -> Proof:
    """Rebuild a backup in an isolated place, compare, write down what was found, and return it."""
    manifest, sha256 = manifests.read(repository.folder(id), id)
    if not (manifest.counts or manifest.digests):
        because = "; ".join(manifest.notes) or "nothing was counted when it was made"
        raise Refused("this backup can be restored, but not proven", on=id, because=because, next="make one that is described")
    began = clock.monotonic()
    with repository.part(f"prove-{name}") as part:
        require_room(repository.root, manifest.raw_bytes, f"the proof of {id}")
        found = _tried(repository, manifest, store, part, work)
    if found.differences:
        repository.require_there()
    proof = Proof(1, id, name, "restored", clock.now(), Duration(clock.monotonic() - began), sha256, *found)
    proofs.write(repository, proof)
    return proof


@contextmanager
def scratch(repository: Repository, id: BackupId, store: Store, name: str, work: Work) -> Iterator[tuple[Store, str]]:
    """Rebuild a backup in an isolated place that goes at the end, to look at it; Damaged when it is not what was stored."""
    manifest, _ = manifests.read(repository.folder(id), id)
    with repository.part(f"look-{name}") as part:
        require_room(repository.root, manifest.raw_bytes, f"a look at {id}")
        for folder in ("spool", "world"):
            (part / folder).mkdir(mode=0o700)
        with store.scratch(part / "world", work) as (isolated, place):
            found = _rebuilt(Streams(repository.root, manifest, part / "spool", work), isolated, place)
            if found.differences:
                raise Damaged("the rebuilt copy is not what was backed up", on=id, because="; ".join(found.differences[:5]))
            yield isolated, place


@contextmanager
def apart(
    repository: Repository, id: BackupId, store: Rehearsing, name: str, work: Work
) -> Iterator[tuple[Rehearsing, str, Manifest]]:
    """Rebuild a backup where tasks may change it, without asking the live target; it goes at the end. Damaged as in `scratch`."""
    manifest, _ = manifests.read(repository.folder(id), id)
    with repository.part(f"rehearse-{name}") as part:
        require_room(repository.root, Size(_WORN * manifest.raw_bytes), f"a rehearsal on {id}")
        for folder in ("spool", "world"):
            (part / folder).mkdir(mode=0o700)
        source = Streams(repository.root, manifest, part / "spool", work)
        with store.apart(part / "world", source.dump, work) as (isolated, place):
            found = _rebuilt(source, isolated, place)
            if found.differences:
                raise Damaged("the rebuilt copy is not what was backed up", on=id, because="; ".join(found.differences[:5]))
            yield isolated, place, manifest


def _tried(repository: Repository, manifest: Manifest, store: Store, part: Path, work: Work) -> Found:
    """Hash everything, then rebuild it; what is damaged is a difference like any other."""
    if found := altered(repository.root, manifest.streams, work):
        return Found(found)
    with no_space(part / "world", Size(8192)):
        for name in ("spool", "world"):
            (part / name).mkdir(mode=0o700)
    try:
        with store.scratch(part / "world", work) as (isolated, place):
            return _rebuilt(Streams(repository.root, manifest, part / "spool", work), isolated, place)
    except Damaged as error:
        return Found((f"{error.on}: {error.because}",))


def _rebuilt(source: Streams, store: Store, place: str, only: str = "") -> Found:
    """Load a backup, and return every difference from its manifest by name, and what was checked besides."""
    manifest = source.manifest
    if store.kind != manifest.kind:
        raise Refused(
            "this backup is of another kind", on=manifest.id, because=f"{manifest.kind}, and the target is {store.kind}"
        )
    with no_space(source.folder, Size(2 * manifest.raw_bytes)):
        store.load(source, place, only)
        copy = store.describe(place, source.work)
        faults = store.faults(place, source.work) if can_inspect(store) else ()
    return Found(differences(manifest, copy, only), copy.notes, faults)


def differences(manifest: Manifest, found: Dump, only: str = "") -> tuple[str, ...]:
    """Compare counts and digests by name; where a part was asked for, of what is there."""
    if not (manifest.counts or manifest.digests):
        return ()  # `prove` refuses such a backup
    names = sorted({*found.counts, *found.digests, *(() if only else {**manifest.counts, **manifest.digests})})
    told = [_difference(name, manifest, found) for name in names]
    return tuple(text for text in told if text)


def _difference(name: str, manifest: Manifest, found: Dump) -> str:
    was, now = manifest.counts.get(name), found.counts.get(name)
    if was != now:
        return f"{name}: {'absent' if was is None else was} in the manifest, {'absent' if now is None else now} in the copy"
    if manifest.digests.get(name) != found.digests.get(name):
        return f"{name}: the same count, but other content"
    return ""
