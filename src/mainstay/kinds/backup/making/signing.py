"""Sign the manifest of each backup, and check the signature, where the configuration names keys."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.backup.copies.remotes import keys_of
from mainstay.kinds.kind import Session
from mainstay.vault import manifest as manifests
from mainstay.vault.copies import keys as pairs
from mainstay.vault.manifest import MANIFEST, Damaged
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository


def sign(session: Session, manifest: Path) -> None:
    """Sign a manifest; nothing where no keys are configured."""
    if session.target.settings.keys:
        keys_of(session).require()
        pairs.sign(manifest, keys_of(session), session.door)


def wrong_signature(session: Session, repository: Repository, id: BackupId) -> tuple[str, ...]:
    """Return what is wrong with the signature of a backup; a backup that is older than the keys has none."""
    keys, path = keys_of(session), repository.folder(id) / MANIFEST
    if not keys.complete:
        return ()
    try:
        if not pairs.signature(path).exists():
            older = manifests.read(path.parent, id)[0].created.timestamp() < keys.signing.stat().st_mtime
            return () if older else (f"{MANIFEST}.asc: the backup is not signed",)
        pairs.verify(path, keys, session.door)
    except Damaged as error:
        return (f"{MANIFEST}.asc: {error.what}: {error.because}",)
    return ()
