"""Rebuild a backup at a new place, compare it with what was counted when it was made, and only then let it be seen."""

from __future__ import annotations

import os
from pathlib import Path

from mainstay.model.errors import Refused, StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import no_space, sync_folder
from mainstay.vault import manifest as manifests
from mainstay.vault import proof as proofs
from mainstay.vault.manifest import Damaged, Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.objects import Moved, unpack
from mainstay.vault.proof import Proof
from mainstay.vault.repository import Repository, remove, require_room
from mainstay.vault.store import Dump, Store


def restore(repository: Repository, id: BackupId, store: Store, into: Path, moved: Moved) -> Manifest:
    """Rebuild a backup at `into`, which must not exist; it appears there complete and compared, or not at all."""
    manifest, _ = manifests.read(repository.folder(id), id)
    if os.path.lexists(into):
        raise Refused("a restore never writes over anything", on=str(into), because="it exists", next="name a new place")
    scratch = half_made(into, id)
    remove(scratch)
    require_room(into.parent, Size(2 * manifest.raw_bytes), f"a restore of {manifest.target}")
    scratch.mkdir(mode=0o700)
    try:
        if differences := rebuild(repository.folder(id), manifest, store, scratch, moved):
            raise StepFailed("the restored copy is not what was backed up", on=id, because="; ".join(differences[:5]))
        _appear(scratch / "copy", into)
    finally:
        remove(scratch)
    return manifest


def half_made(into: Path, id: BackupId) -> Path:
    """Return where a restore to `into` is prepared."""
    return into.parent / f".{into.name}.{id}.part"


def prove(repository: Repository, id: BackupId, store: Store, name: str, moved: Moved) -> Proof:
    """Rebuild a backup in a scratch folder of the repository, compare, write down what was found, and return it."""
    manifest, sha256 = manifests.read(repository.folder(id), id)
    began = clock.monotonic()
    with repository.part(f"prove-{name}") as scratch:
        require_room(repository.root, Size(2 * manifest.raw_bytes), f"the proof of {id}")
        try:
            found = rebuild(repository.folder(id), manifest, store, scratch, moved)
        except Damaged as error:
            found = (f"{error.on}: {error.because}",)
    took = Duration(clock.monotonic() - began)
    proof = Proof(1, id, name, "restored", clock.now(), took, sha256, found)
    proofs.write(repository, proof)
    return proof


def rebuild(folder: Path, manifest: Manifest, store: Store, scratch: Path, moved: Moved) -> tuple[str, ...]:
    """Unpack, load at `scratch`/copy, and return every difference from the manifest by name; each byte is read and checked."""
    if store.kind != manifest.kind:
        raise Refused(
            "this backup is of another kind", on=manifest.id, because=f"{manifest.kind}, and the target is {store.kind}"
        )
    source = scratch / "dump"
    source.mkdir(mode=0o700)
    with no_space(source, Size(2 * manifest.raw_bytes)):
        for one in manifest.objects:
            with (source / one.name).open("xb") as out:
                unpack(one, folder, out, moved)
        store.load(source, scratch / "copy", lambda: moved(0))
    remove(source)
    return differences(manifest, store.describe(scratch / "copy", lambda: moved(0)))


def differences(manifest: Manifest, found: Dump) -> tuple[str, ...]:
    """Compare counts and digests by name."""
    names = sorted({*manifest.counts, *manifest.digests, *found.counts, *found.digests})
    told = [_difference(name, manifest, found) for name in names]
    return tuple(text for text in told if text)


def _difference(name: str, manifest: Manifest, found: Dump) -> str:
    was, now = manifest.counts.get(name), found.counts.get(name)
    if was != now:
        return f"{name}: {'absent' if was is None else was} in the manifest, {'absent' if now is None else now} in the copy"
    if manifest.digests.get(name) != found.digests.get(name):
        return f"{name}: the same count, but other content"
    return ""


def _appear(copy: Path, into: Path) -> None:
    """Rename without replacing: a link fails where a file exists, a rename where a folder has content."""
    if copy.is_dir():
        os.rename(copy, into)
    else:
        os.link(copy, into)
        copy.unlink()
    sync_folder(into.parent)
