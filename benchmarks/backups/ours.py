"""Our own ways, each in a process of its own.

usage: python -m benchmarks.backups.ours alone|backup|restore DSN REPOSITORY ID [PREVIOUS | INTO]       (prints parts)

`alone` is a mode of this benchmark: dump and store, without digests, deltas and read-back.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.store import PostgresStore
from mainstay.kinds.postgres.store import dump as dumping
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault import coding
from mainstay.vault import manifest as manifests
from mainstay.vault.backup import Order, Streams, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import Request, restore
from mainstay.vault.store import unhurried


def store(dsn: str) -> PostgresStore:
    """Return the store of the database at a connection string."""
    return PostgresStore(Target("db", "postgres", PostgresSettings(dsn=dsn)), Door())


def alone(dsn: str, root: Path, id: BackupId) -> dict[str, float]:
    """Dump and store, durably, and nothing else."""
    dumping.counting = lambda *_: iter(())  # the measurement mode: no digests, and no frame is decoded again
    coding._proven = lambda _raw, segment, frame, _prefix=None: (segment, frame)
    repository = create_repository(root)
    with repository.part(id) as part:
        with Streams(repository, part, Order(id, "db", "run"), None, unhurried()) as sink:
            dump = store(dsn).dump(sink)
        for path in sink.made.values():
            path.rename(root / f"{id}.{path.name}")
    return {f"{part}, all threads": seconds for part, seconds in dump.extra["took"].items()}


def backup(dsn: str, root: Path, id: BackupId, previous: str = "") -> dict[str, float]:
    """Back up with digests, deltas and read-back."""
    began = time.perf_counter()
    order = Order(id, "db", "run", previous=BackupId(previous) if previous else None)
    made = make(create_repository(root), store(dsn), order, unhurried())
    took = {f"{part}, all threads": seconds for part, seconds in made.extra["took"].items()}
    return {**took, "dump": made.duration, "read-back": time.perf_counter() - began - made.duration}


def rebuild(dsn: str, root: Path, id: BackupId, into: str) -> dict[str, float]:
    """Restore, which reads every byte first and compares all rows at the end."""
    repository = create_repository(root)
    manifests.read(repository.folder(id), id)
    restore(repository, store(dsn), Request(id, into), unhurried())
    return {}


def main() -> None:
    """Do one of them."""
    way, dsn, root, id, *rest = sys.argv[1:]
    acts = {"alone": alone, "backup": backup, "restore": rebuild}
    print(json.dumps({part: round(took, 2) for part, took in acts[way](dsn, Path(root), BackupId(id), *rest).items()}))


if __name__ == "__main__":
    main()
