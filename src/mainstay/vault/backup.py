"""Make one backup: dump, store, read back, and only then let it be seen."""

from __future__ import annotations

import platform
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import mainstay
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import no_space, sync_folder
from mainstay.vault.manifest import VERSION, Manifest, StoredObject, seal
from mainstay.vault.names import BackupId
from mainstay.vault.objects import TOOL, Moved, pack
from mainstay.vault.repository import Repository, require_room
from mainstay.vault.store import Dump, Store
from mainstay.vault.verify import verify


@dataclass(frozen=True)
class Order:
    """What is to be backed up, and what the manifest says about where the order came from."""

    id: BackupId
    target: str
    run: str
    site: str = ""
    ledger_head: str = ""
    previous: BackupId | None = None


def make(repository: Repository, store: Store, order: Order, moved: Moved) -> Manifest:
    """Back up one target. A backup that cannot be finished leaves nothing behind, and no other is touched.

    `moved` is called with bytes (each byte of the dump counts when it is stored and when it is read back) and raises to stop.
    """
    estimate = Size(store.estimate())
    require_room(repository.root, Size(2 * estimate), f"a backup of {order.target}")
    with repository.part(order.id) as part, no_space(part, Size(2 * estimate)):
        created, began = clock.now(), clock.monotonic()
        dump = _dumped(store, part / "dump", moved)
        objects = _stored(part, moved)
        manifest = _manifest(order, store.kind, dump, objects, created)
        manifest = replace(manifest, duration=Duration(clock.monotonic() - began))
        seal(part, manifest)
        _require_readable(part, order, moved)
        repository.publish(part, order.id)
    return manifest


def _manifest(order: Order, kind: str, dump: Dump, objects: tuple[StoredObject, ...], created: datetime) -> Manifest:
    return Manifest(
        VERSION,
        order.id,
        order.target,
        kind,
        created,
        order.site,
        order.run,
        tools={"mainstay": mainstay.__version__, "python": platform.python_version(), "zstd": TOOL, **dump.versions},
        objects=objects,
        counts=dump.counts,
        digests=dump.digests,
        duration=Duration(0),
        previous=order.previous,
        ledger_head=order.ledger_head,
        notes=dump.notes,
        extra=dump.extra,
    )


def _dumped(store: Store, folder: Path, moved: Moved) -> Dump:
    folder.mkdir(mode=0o700)
    return store.dump(folder, lambda: moved(0))


def _stored(part: Path, moved: Moved) -> tuple[StoredObject, ...]:
    """Turn the dump into objects, giving back the room of each file as soon as it is stored."""
    (part / "objects").mkdir(mode=0o700)
    objects = []
    for source in sorted((part / "dump").iterdir()):
        objects.append(pack(source, part, moved))
        source.unlink()
    (part / "dump").rmdir()
    sync_folder(part / "objects")
    return tuple(objects)


def _require_readable(part: Path, order: Order, moved: Moved) -> None:
    if problems := verify(part, order.id, moved):
        raise StepFailed(
            "the backup did not read back as it was written", on=order.id, because=problems[0], next="check the disk"
        )
