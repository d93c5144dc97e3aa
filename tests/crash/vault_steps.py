"""The steps of the vault that a crash may fall into, each in a small world of its own; a process does one.

usage: python -m tests.crash.vault_steps WORLD STEP        (safe to start again after any end)

A new step is an entry of STEPS: what it does unless its effect is there, which step comes before it, which backups are seen at
its end. What has to hold at every moment is said once, in `faults`.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.vault import catalogue
from mainstay.vault import manifest as manifests
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.prune import collect, drop, sweep
from mainstay.vault.repository import Repository, create_repository, open_repository
from mainstay.vault.restore import Request, differences, prove, restore
from mainstay.vault.store import Store, unhurried
from mainstay.vault.verify import verify

FIRST = {name: BackupId(f"20261120T020000Z.{name}.run-1") for name in ("db", "uploads")}
SECOND = {name: BackupId(f"20261121T020000Z.{name}.run-2") for name in ("db", "uploads")}
BOTH, AFTER = frozenset([*FIRST.values(), *SECOND.values()]), frozenset(SECOND.values())


@dataclass(frozen=True)
class Step:
    """One step: `do` is safe to repeat, `after` names the one before it, `seen` are the backups that may be seen at its end."""

    do: Callable[[Path], None]
    after: str = ""
    seen: frozenset[BackupId] = BOTH


def stores(world: Path) -> dict[str, Store]:
    """Return the stores of the live targets."""
    return {"db": SqliteStore(world / "live" / "app.db"), "uploads": FilesStore(world / "live" / "uploads")}


def build(world: Path) -> None:
    """Make live data, their first proven backups, and then the changes of a day.

    The second backup of `uploads` has one object that it shares, one delta, and one that replaces an object of the first.
    """
    live = world / "live"
    (live / "uploads").mkdir(parents=True)
    with closing(sqlite3.connect(live / "app.db", isolation_level=None)) as app:
        app.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)")
        app.executemany("INSERT INTO orders(note) VALUES (?)", ((f"order {n}",) for n in range(50)))
    chance = random.Random(1)
    for name, size in (("same", 20_000), ("grown", 200_000), ("other", 20_000)):
        (live / "uploads" / name).mkdir()
        (live / "uploads" / name / "file").write_bytes(chance.randbytes(size))
    repository = create_repository(world / "repo")
    for name, store in stores(world).items():
        make(repository, store, Order(FIRST[name], name, "run-1"), unhurried())
        prove(repository, FIRST[name], store, "run-1", unhurried())
    with (live / "uploads" / "grown" / "file").open("ab") as file:
        file.write(b"one more line\n")
    (live / "uploads" / "other" / "file").write_bytes(chance.randbytes(20_000))


def back_up(world: Path) -> None:
    """Back up again, as deltas."""
    repository = open_repository(world / "repo")
    for name, store in stores(world).items():
        if not repository.folder(SECOND[name]).exists():
            make(repository, store, Order(SECOND[name], name, "run-2", previous=FIRST[name]), unhurried())


def prove_all(world: Path) -> None:
    """Prove what was backed up."""
    repository = open_repository(world / "repo")
    for name, store in stores(world).items():
        if not any(entry.proven for entry in catalogue.read(repository).entries if entry.id == SECOND[name]):
            prove(repository, SECOND[name], store, "run-2", unhurried())


def restore_all(world: Path) -> None:
    """Restore beside the live targets."""
    repository = open_repository(world / "repo")
    for name, store in stores(world).items():
        if not store.exists(place := str(world / f"restored-{name}")):
            restore(repository, store, Request(SECOND[name], place), unhurried())


def prune(world: Path) -> None:
    """Drop the first backups and collect what nothing needs."""
    repository = open_repository(world / "repo")
    for id in FIRST.values():
        drop(repository, id)
    collect(repository)


STEPS = {
    "backup": Step(back_up),
    "prove": Step(prove_all, "backup"),
    "restore": Step(restore_all, "prove"),
    "prune": Step(prune, "prove", AFTER),
}


def prepared(world: Path, step: str) -> None:
    """Build the world in which a step begins."""
    if before := STEPS[step].after:
        prepared(world, before)
        STEPS[before].do(world)
    else:
        build(world)


def tidy(world: Path) -> None:
    """Remove what was half made and what nothing needs, as the task prune does."""
    repository = open_repository(world / "repo")
    for name in repository.leftovers():
        sweep(repository, name)
    collect(repository)


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the digest of every file below a folder; SQLite's own two beside a database in WAL mode come and go."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.endswith(("-wal", "-shm"))]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def faults(world: Path, live: dict[str, str]) -> list[str]:
    """Return what must not be at any moment: a backup that is seen and not sound, no proven one, a copy that differs."""
    repository = open_repository(world / "repo")
    seen = catalogue.read(repository)
    found = [f"{name}: damaged: {why}" for name, why in seen.damaged] + [f"{name}: clutter" for name in seen.clutter]
    found += [text for entry in seen.entries for text in verify(repository, entry.id, unhurried())]
    found += [f"{name}: no proven backup" for name in FIRST if not any(entry.proven for entry in seen.of(name))]
    if fingerprint(world / "live") != live:
        found.append("live data were touched")
    return [*found, *_copies(world, repository)]


def left(world: Path) -> list[str]:
    """Return what must not be left for good."""
    repository = open_repository(world / "repo")
    hidden = [path for folder in (world, world / "repo", world / "live") for path in folder.glob(".*")]
    unneeded = catalogue.read(repository).unneeded
    return [f"{path.name} is left" for path in hidden] + ([f"{unneeded} objects are left"] if unneeded else [])


def seen(world: Path) -> frozenset[BackupId]:
    """Return the backups that are seen."""
    return frozenset(entry.id for entry in catalogue.read(open_repository(world / "repo")).entries)


def _copies(world: Path, repository: Repository) -> Iterator[str]:
    for name, store in stores(world).items():
        if store.exists(place := str(world / f"restored-{name}")):
            manifest, _ = manifests.read(repository.folder(SECOND[name]), SECOND[name])
            yield from differences(manifest, store.describe(place, unhurried()))


if __name__ == "__main__":
    STEPS[sys.argv[2]].do(Path(sys.argv[1]))
