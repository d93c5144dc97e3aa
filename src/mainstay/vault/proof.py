"""What was found out about a finished backup: small records beside it, so that the backup itself never changes."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay.model.codec import canonical, decode
from mainstay.model.units import Duration, Size
from mainstay.system.files import no_space, sync_folder, write_atomic
from mainstay.vault.manifest import Damaged
from mainstay.vault.names import BackupId, ObjectName
from mainstay.vault.repository import Repository

Level = Literal["readable", "restored"]  # every object read to its end | rebuilt at a new place and compared


@dataclass(frozen=True)
class Proof:
    """One look at one backup. It holds for the manifest that it names only; `differences` make it a disproof."""

    version: int
    id: BackupId
    name: str
    level: Level
    at: datetime
    took: Duration
    manifest_sha256: str
    differences: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()  # what a store looked at beside counts and digests
    faults: tuple[str, ...] = ()  # what is wrong with that which was backed up, and not with the backup


def write(repository: Repository, proof: Proof) -> None:
    """Store a record durably; the name of a repeated look replaces itself."""
    folder = repository.proofs / proof.id
    if not folder.is_dir():
        with no_space(folder, Size(4096)):
            folder.mkdir(mode=0o700)
        sync_folder(repository.proofs)
    write_atomic(folder / f"{ObjectName(proof.name)}.json", canonical(proof))


def read(repository: Repository, id: BackupId) -> tuple[Proof, ...]:
    """Return what is known about a backup, oldest first; Damaged when a record cannot be read."""
    folder = repository.proofs / id
    if not folder.is_dir():
        return ()
    paths = [folder / name for name in os.listdir(folder) if name.endswith(".json") and not name.startswith(".")]
    found = []
    for path in paths:
        try:
            proof = decode(Proof, json.loads(path.read_bytes()))
            found.append((proof.at.timestamp(), proof))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Damaged(
                "a proof record cannot be read", on=str(path), because=str(error)[:200], next="prove the backup again"
            ) from error
    return tuple(proof for _, proof in sorted(found, key=lambda pair: pair[0]) if proof.id == id)
