"""Bring a backup from a remote into a repository: checked before it is decrypted, and seen there only when it is complete."""

from __future__ import annotations

import os
from pathlib import Path

from mainstay.model.errors import Refused
from mainstay.system.files import sync_folder, write_atomic
from mainstay.vault import manifest as manifests
from mainstay.vault import sealing
from mainstay.vault.copies import Copies
from mainstay.vault.keys import signature
from mainstay.vault.manifest import MANIFEST, SUMS, Damaged
from mainstay.vault.names import BackupId, Sha256
from mainstay.vault.remotes.remote import fetched, file_hash
from mainstay.vault.sealing import Gpg
from mainstay.vault.signed_list import BACKUPS, SignedList, manifest_name
from mainstay.vault.store import Work


def fetch(copies: Copies, id: BackupId, key: Path, work: Work) -> None:
    """Bring one backup. `key` is the escrow text, or another file with the private encryption key.

    The signature is checked with the keys in the key folder and those in `key`: on a new host the escrow text is enough.
    """
    repository = copies.repository
    if repository.folder(id).exists():
        raise Refused("this backup is here already", on=id, because=str(repository.folder(id)), next="restore it")
    with sealing.opened(copies.door, key, *copies.trusted) as gpg, repository.part(id) as part:
        (part / "objects").mkdir(mode=0o700)
        listed = copies.checked_list(id, gpg, work)
        made = {
            Sha256(one): _opened(copies, (listed, name), part / "objects" / one, gpg, work)
            for one, name in listed.objects.items()
            if not _is_here(repository.root / Sha256(one).path, one, work)
        }
        for one, path in made.items():
            if file_hash(path, work) != one:
                raise Damaged("an object is not what its name says", on=listed.objects[one], next="fetch another copy")
        _manifest(copies, listed, part, gpg, work)
        repository.publish(part, id, made)


def _manifest(copies: Copies, listed: SignedList, part: Path, gpg: Gpg, work: Work) -> None:
    """Bring the manifest and its signature, and write the sums beside it as they were."""
    path = _opened(copies, (listed, manifest_name(listed.id)), part / MANIFEST, gpg, work)
    signed = f"{BACKUPS}{listed.id}/{signature(path).name}"
    if signed in listed.files:
        _checked(copies, (listed, signed), signature(path), work)
    manifest = manifests.parse(path.read_bytes(), path)
    write_atomic(part / SUMS, manifests.sums(manifest, file_hash(path, work)))
    manifests.read(part, listed.id)


def _opened(copies: Copies, what: tuple[SignedList, str], out: Path, gpg: Gpg, work: Work) -> Path:
    """Bring a file of a signed list, compare it, and only then decrypt it to `out`, durably."""
    sealed = out.with_name(f"{out.name}.gpg")
    _checked(copies, what, sealed, work)
    gpg.decrypt(sealed, out, work.deadline.left)
    sealed.unlink()
    with out.open("rb+") as file:
        os.fsync(file.fileno())
    out.chmod(0o600)
    sync_folder(out.parent)
    return out


def _checked(copies: Copies, what: tuple[SignedList, str], out: Path, work: Work) -> None:
    listed, name = what
    if fetched(copies.remote, name, out, work) != listed.files[name]:
        because, next = "its SHA-256 is not the one in the signed list", "fetch another copy"
        raise Damaged("a file at the remote was altered", on=name, because=because, next=next)


def _is_here(path: Path, digest: str, work: Work) -> bool:
    return path.is_file() and file_hash(path, work) == digest
