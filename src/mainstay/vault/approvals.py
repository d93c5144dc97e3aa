"""Who has approved a backup, and in which role: records beside it, bound to the digest of its manifest."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime

from mainstay.model.codec import canonical, decode
from mainstay.system.files import spool_of, sync_folder, write_atomic
from mainstay.vault.manifest import Damaged
from mainstay.vault.names import BackupId, ObjectName
from mainstay.vault.repository import Repository


@dataclass(frozen=True)
class Approval:
    """One person's approval. It holds for the manifest that it names only."""

    id: BackupId
    name: str  # of the record: the run that wrote it
    by: str
    role: str
    at: datetime
    manifest_sha256: str
    remark: str = ""

    def __str__(self) -> str:
        return f"{self.by} as {self.role}, {self.at:%Y-%m-%d %H:%M} UTC" + (f": {self.remark}" if self.remark else "")


def put(repository: Repository, approval: Approval) -> None:
    """Write an approval durably."""
    folder = repository.made(repository.approvals / approval.id)
    write_atomic(folder / f"{ObjectName(approval.name)}.json", canonical(approval))


def withdraw(repository: Repository, id: BackupId, name: str) -> None:
    """Remove an approval, whole or half written; nothing where there is none."""
    folder = repository.approvals / id
    for path in (folder / f"{ObjectName(name)}.json", spool_of(folder / f"{ObjectName(name)}.json")):
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    sync_folder(repository.approvals)


def read(repository: Repository, id: BackupId, manifest_sha256: str) -> tuple[Approval, ...]:
    """Return the approvals of this very manifest, oldest first; Damaged when a record cannot be read."""
    folder = repository.approvals / id
    if not folder.is_dir():
        return ()
    found = []
    for path in sorted(folder / name for name in os.listdir(folder) if name.endswith(".json") and not name.startswith(".")):
        try:
            found.append(decode(Approval, json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Damaged("an approval cannot be read", on=str(path), because=str(error)[:200], next="approve again") from error
    mine = [one for one in found if one.manifest_sha256 == manifest_sha256 and one.id == id]
    return tuple(sorted(mine, key=lambda one: one.at))
