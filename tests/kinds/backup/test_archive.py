"""The monthly archive is a tier: backups that stay longer, of files that are there already, until a rule lets them go."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.kinds.kind import Session
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.vault import manifest as manifests
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import prove
from mainstay.vault.retention import Policy
from mainstay.vault.store import unhurried
from mainstay.vault.verify import verify

Open = Callable[..., Session]
Perform = Callable[..., list[str]]
KEEP = Policy(last=1, daily=7, weekly=8, monthly=12, yearly=0, min_age=Duration(0))


def _weeks(session: Session, app: sqlite3.Connection, root: Path, count: int) -> list[BackupId]:
    """Make a backup of each of so many weeks up to now, as deltas; the last one is proven."""
    repository, store, made = create_repository(root), session.stores["db"], list[BackupId]()
    for number in range(count):
        app.executemany("INSERT INTO orders(who) VALUES (?)", [(f"week {number}, {n}" * 9,) for n in range(200)])
        at = clock.now() - timedelta(weeks=count - 1 - number, hours=1)
        id = BackupId.of(at, "db", f"run-{number}")
        order = Order(id, "db", f"run-{number}", previous=made[-1] if made else None)
        manifest = make(repository, store, order, unhurried())
        manifests.seal(repository.folder(id), replace(manifest, created=at))
        made.append(id)
    prove(repository, made[-1], store, "proof", unhurried())
    return made


@pytest.mark.covers("BKP-12")
def test_a_month_is_kept_without_a_second_copy_can_be_restored_and_goes_after_a_year(
    tmp_path: Path, session: Open, perform: Perform, app: sqlite3.Connection
) -> None:
    opened = session(of=("db",), keep=KEEP)
    made = _weeks(opened, app, tmp_path / "repo", 65)
    repository = create_repository(tmp_path / "repo")
    before = set(repository.stored())
    told = perform(opened, "prune")
    kept = sorted(path.name for path in repository.backups.iterdir())
    months = {BackupId(id).at.strftime("%Y-%m") for id in kept}
    assert len(months) == 12
    assert min(months) > made[0].at.strftime("%Y-%m"), "no archive stays for ever"
    assert any("monthly" in line for line in told)
    assert set(repository.stored()) < before, "what is archived was stored once, and is not packed again"
    assert [verify(repository, BackupId(id), unhurried()) for id in kept] == [()] * len(kept)
    oldest = prove(repository, BackupId(kept[0]), opened.stores["db"], "proof-of-the-archive", unhurried())
    assert oldest.differences == ()
    (tmp_path / "app.db").rename(tmp_path / "away.db")
    assert all(line.startswith("skip") for line in perform(opened, "backup"))
    assert sorted(path.name for path in repository.backups.iterdir()) == kept, "a dump that failed archives nothing"
