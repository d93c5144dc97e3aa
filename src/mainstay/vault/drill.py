"""Prove that the escrowed private key opens what is at a remote: a key that nobody ever tried is no key."""

from __future__ import annotations

from pathlib import Path

from mainstay.model.errors import Refused
from mainstay.system import clock
from mainstay.vault import manifest as manifests
from mainstay.vault import sealing
from mainstay.vault.copies import Copies
from mainstay.vault.keys import Drill, write_drill
from mainstay.vault.manifest import Damaged
from mainstay.vault.names import BackupId
from mainstay.vault.remotes.remote import fetched, file_hash
from mainstay.vault.sealing import Gpg
from mainstay.vault.signed_list import SignedList, manifest_name
from mainstay.vault.store import Work


def drill(copies: Copies, id: BackupId, escrow: Path, work: Work) -> Drill:
    """Open the manifest and one object of a copy with the keys in the escrow text alone, and write down that it worked."""
    wanted, held = (sealing.fingerprints(path, copies.door) for path in (copies.keys.encryption, escrow))
    if not set(wanted) & set(held):
        because = f"it holds {', '.join(held)}, and copies are encrypted for {wanted[0]}"
        raise Refused("this is not the key that copies are encrypted for", on=str(escrow), because=because)
    with copies.repository.part(f"drill-{copies.name}") as spool, sealing.opened(copies.door, escrow) as gpg:
        listed = copies.checked_list(id, gpg, work)
        manifest = _opened(copies, (listed, manifest_name(id)), spool / "manifest", gpg, work)
        smallest = min(manifests.parse(manifest.read_bytes(), manifest).files.values(), key=lambda one: one.stored_bytes)
        name = listed.objects[smallest.sha256]
        if file_hash(_opened(copies, (listed, name), spool / "object", gpg, work), work) != smallest.sha256:
            raise Damaged("an object is not what its name says", on=name, next="make a new copy")
    done = Drill(clock.now(), copies.name, id, wanted[0])
    write_drill(copies.keys, done)
    return done


def _opened(copies: Copies, what: tuple[SignedList, str], out: Path, gpg: Gpg, work: Work) -> Path:
    listed, name = what
    sealed = out.with_name(f"{out.name}.gpg")
    if fetched(copies.remote, name, sealed, work) != listed.files[name]:
        raise Damaged("a file at the remote was altered", on=name, because="its SHA-256 is not the one in the signed list")
    gpg.decrypt(sealed, out, work.deadline.left)
    return out
