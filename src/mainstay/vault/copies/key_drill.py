"""Prove that the escrowed private key opens what is at a remote: a key that nobody ever tried is no key."""

from __future__ import annotations

from pathlib import Path

from mainstay.model.errors import Refused
from mainstay.system import clock
from mainstay.vault.copies import sealing
from mainstay.vault.copies.copies import Copies
from mainstay.vault.copies.fetch import Opening
from mainstay.vault.copies.keys import Drill, write_drill
from mainstay.vault.names import BackupId
from mainstay.vault.store import Work


def drill(copies: Copies, id: BackupId, escrow: Path, work: Work) -> None:
    """Open the manifest and one object of a copy with the keys in the escrow text alone, and write down that it worked."""
    wanted, held = (sealing.fingerprints(path, copies.door) for path in (copies.keys.encryption, escrow))
    if not set(wanted) & set(held):
        because = f"it holds {', '.join(held)}, and copies are encrypted for {wanted[0]}"
        raise Refused("this is not the key that copies are encrypted for", on=str(escrow), because=because)
    with copies.repository.part(f"drill-{copies.name}") as spool, sealing.opened(copies.door, escrow) as gpg:
        opening = Opening(copies.remote, copies.checked_list(id, gpg, work), gpg, work)
        files = opening.manifest(spool / "manifest").objects.values()
        for smallest in sorted(files, key=lambda one: one.stored_bytes)[:1]:
            opening.object(smallest.sha256, spool / "object")
    write_drill(copies.keys, Drill(clock.now(), copies.name, id, wanted[0]))
