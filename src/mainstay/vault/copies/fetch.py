"""Bring a backup from a remote into a repository: checked before it is decrypted, and seen there only when it is complete."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mainstay.model.errors import Refused
from mainstay.system.files import sync_folder, write_atomic
from mainstay.vault import manifest as manifests
from mainstay.vault.copies import sealing
from mainstay.vault.copies.copies import Copies
from mainstay.vault.copies.keys import signature
from mainstay.vault.copies.remotes.remote import Remote, fetched, file_hash
from mainstay.vault.copies.sealing import Gpg
from mainstay.vault.copies.signed_list import BACKUPS, SignedList, manifest_name
from mainstay.vault.manifest import MANIFEST, SUMS, Damaged, Manifest
from mainstay.vault.names import BackupId, Sha256
from mainstay.vault.store import Work


@dataclass(frozen=True)
class Opening:
    """A copy that is being opened: its signature was checked, and `gpg` holds the private key."""

    remote: Remote
    listed: SignedList
    gpg: Gpg
    work: Work

    def bring(self, name: str, out: Path) -> None:
        """Bring a file of the signed list as it is, durably; Damaged when it was altered."""
        if fetched(self.remote, name, out, self.work) != self.listed.files[name]:
            because, next = "its SHA-256 is not the one in the signed list", "fetch another copy"
            raise Damaged("a file at the remote was altered", on=name, because=because, next=next)

    def open(self, name: str, out: Path) -> None:
        """Bring a file, compare it, and only then decrypt it to `out`, durably."""
        sealed = out.with_name(f"{out.name}.gpg")
        self.bring(name, sealed)
        self.gpg.decrypt(sealed, out, self.work.deadline.left)
        sealed.unlink()
        out.chmod(0o600)
        with out.open("rb") as file:
            os.fsync(file.fileno())

    def object(self, one: Sha256, out: Path) -> None:
        """Open an object; Damaged when it is not the one that its name promises."""
        name = self.listed.objects[one]
        self.open(name, out)
        if file_hash(out, self.work) != one:
            raise Damaged("an object is not what its name says", on=name, next="fetch another copy")

    def manifest(self, out: Path) -> Manifest:
        """Open the manifest, and bring its signature where it has one."""
        self.open(manifest_name(self.listed.id), out)
        signed = f"{BACKUPS}{self.listed.id}/{signature(out).name}"
        if signed in self.listed.files:
            self.bring(signed, signature(out))
        return manifests.parse(out.read_bytes(), out)


def fetch(copies: Copies, id: BackupId, key: Path, work: Work) -> None:
    """Bring one backup. `key` is the escrow text, or another file with the private encryption key.

    The signature is checked with the keys in the key folder and those in `key`: on a new host the escrow text is enough.
    """
    repository = copies.repository
    if repository.folder(id).exists():
        raise Refused("this backup is here already", on=id, because=str(repository.folder(id)), next="restore it")
    with sealing.opened(copies.door, key, *copies.trusted) as gpg, repository.part(id) as part:
        opening, made = Opening(copies.remote, copies.checked_list(id, gpg, work), gpg, work), {}
        manifest = opening.manifest(part / MANIFEST)
        write_atomic(part / SUMS, manifests.sums(manifest, file_hash(part / MANIFEST, work)))
        manifests.read(part, id)
        (part / "objects").mkdir(mode=0o700)
        for one in manifest.objects:
            if not _is_sound(repository.root / one.path, one, work):
                made[one] = part / "objects" / one
                opening.object(one, made[one])
        sync_folder(part / "objects")
        repository.publish(part, id, made)


def _is_sound(path: Path, one: Sha256, work: Work) -> bool:
    return path.is_file() and file_hash(path, work) == one
