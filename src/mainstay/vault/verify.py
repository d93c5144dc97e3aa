"""Read a backup to its last byte and name everything that is not as its manifest says."""

from __future__ import annotations

from pathlib import Path

from mainstay.vault import manifest as manifests
from mainstay.vault.manifest import MANIFEST, SUMS, Damaged, Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.objects import Moved, unpack


def verify(folder: Path, id: BackupId, moved: Moved) -> tuple[str, ...]:
    """Return what is wrong with the backup `id` in `folder`, each naming the file; empty when every byte is as it was stored."""
    try:
        manifest, _ = manifests.read(folder, id)
    except Damaged as error:
        return (f"{folder.name}/{Path(error.on).name}: {error.what}: {error.because}",)
    return (*_strays(folder, manifest), *_bad_objects(folder, manifest, moved))


def _bad_objects(folder: Path, manifest: Manifest, moved: Moved) -> list[str]:
    found = []
    for one in manifest.objects:
        try:
            unpack(one, folder, None, moved)
        except Damaged as error:
            found.append(f"{error.on}: {error.because}")
    return found


def _strays(folder: Path, manifest: Manifest) -> list[str]:
    """Name the files that no manifest knows; what is missing is found by reading it."""
    known = {MANIFEST, SUMS, *(str(one.path) for one in manifest.objects)}
    seen = {entry.name for entry in folder.iterdir()} - {"objects"}
    objects = folder / "objects"
    if objects.is_symlink():
        return [f"{folder.name}/objects: is a link"]
    if objects.is_dir():
        seen |= {f"objects/{entry.name}" for entry in objects.iterdir()}
    return [f"{folder.name}/{name}: is not in the manifest" for name in sorted(seen - known)]
