"""Rebuild a backup at a new place, compare it with what was counted when it was made, and only then let it be seen."""

from __future__ import annotations

import ctypes
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

_HERE, _NO_REPLACE = -100, 1  # AT_FDCWD, RENAME_NOREPLACE


def restore(repository: Repository, id: BackupId, store: Store, into: Path, moved: Moved) -> Manifest:
    """Rebuild a backup at `into`, which must not exist; it appears there complete and compared, or not at all."""
    manifest, _ = manifests.read(repository.folder(id), id)
    if os.path.lexists(into):
        raise Refused("a restore never writes over anything", on=str(into), because="it exists", next="name a new place")
    dump, copy = half_made(into, id)
    clear(into, id)
    require_room(into.parent, Size(2 * manifest.raw_bytes), f"a restore of {manifest.target}")
    try:
        if found := rebuild(repository.folder(id), manifest, store, (dump, copy), moved):
            raise StepFailed("the restored copy is not what was backed up", on=id, because="; ".join(found[:5]))
        rename_new(copy, into)
    finally:
        clear(into, id)
    return manifest


def half_made(into: Path, id: BackupId) -> tuple[Path, Path]:
    """Return where a restore to `into` unpacks the dump, and where it builds the copy that is renamed at the very end."""
    return into.parent / f".{into.name}.{id}.dump", into.parent / f".{into.name}.{id}.part"


def clear(into: Path, id: BackupId) -> None:
    """Remove what a restore to `into` left half made; what appeared there stays."""
    for path in half_made(into, id):
        remove(path)


def prove(repository: Repository, id: BackupId, store: Store, name: str, moved: Moved) -> Proof:
    """Rebuild a backup in a scratch folder of the repository, compare, write down what was found, and return it."""
    manifest, sha256 = manifests.read(repository.folder(id), id)
    began = clock.monotonic()
    with repository.part(f"prove-{name}") as scratch:
        require_room(repository.root, Size(2 * manifest.raw_bytes), f"the proof of {id}")
        try:
            found = rebuild(repository.folder(id), manifest, store, (scratch / "dump", scratch / "copy"), moved)
        except Damaged as error:
            found = (f"{error.on}: {error.because}",)
    took = Duration(clock.monotonic() - began)
    proof = Proof(1, id, name, "restored", clock.now(), took, sha256, found)
    proofs.write(repository, proof)
    return proof


def rebuild(folder: Path, manifest: Manifest, store: Store, places: tuple[Path, Path], moved: Moved) -> tuple[str, ...]:
    """Unpack at the first place, load at the second, and return every difference from the manifest by name."""
    if store.kind != manifest.kind:
        raise Refused(
            "this backup is of another kind", on=manifest.id, because=f"{manifest.kind}, and the target is {store.kind}"
        )
    dump, copy = places
    dump.mkdir(mode=0o700)
    with no_space(dump, Size(2 * manifest.raw_bytes)):
        for one in manifest.objects:
            with (dump / one.name).open("xb") as out:
                unpack(one, folder, out, moved)
        store.load(dump, copy, lambda: moved(0))
    remove(dump)
    return differences(manifest, store.describe(copy, lambda: moved(0)))


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


def rename_new(old: Path, new: Path) -> None:
    """Rename a file or folder durably, and fail where the new name exists: renameat2(2) with RENAME_NOREPLACE."""
    library = ctypes.CDLL(None, use_errno=True)
    if library.renameat2(_HERE, os.fsencode(old), _HERE, os.fsencode(new), _NO_REPLACE):
        number = ctypes.get_errno()
        raise StepFailed(
            "cannot give the restored copy its name", on=str(new), because=os.strerror(number), next="name a new place"
        )
    sync_folder(new.parent)
