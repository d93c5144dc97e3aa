"""Bring a repository from its first backup to its second: back up, prove, remove the first. Safe to start again after any end."""

from __future__ import annotations

import sys
from pathlib import Path

from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.vault import catalogue
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.prune import drop
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import unhurried

FIRST, SECOND = BackupId("20261120T020000Z.db.run-1"), BackupId("20261121T020000Z.db.run-2")


def first(root: Path) -> None:
    """Make the repository and its first, proven backup."""
    repository, store = create_repository(root / "repo"), SqliteStore(root / "app.db")
    make(repository, store, Order(FIRST, "db", "run-1"), unhurried())
    prove(repository, FIRST, store, "run-1", unhurried())


def second(root: Path) -> None:
    """Do each act unless its effect is there, as recovery does."""
    repository, store = create_repository(root / "repo"), SqliteStore(root / "app.db")
    seen = {entry.id: entry for entry in catalogue.read(repository).entries}
    if SECOND not in seen:
        make(repository, store, Order(SECOND, "db", "run-2", previous=FIRST), unhurried())
    if SECOND not in seen or not seen[SECOND].proven:
        prove(repository, SECOND, store, "run-2", unhurried())
    if not (root / "restored.db").exists():
        restore(repository, store, Request(SECOND, str(root / "restored.db")), unhurried())
    drop(repository, FIRST)


if __name__ == "__main__":
    second(Path(sys.argv[1]))
