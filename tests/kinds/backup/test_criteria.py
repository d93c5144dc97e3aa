"""The criteria of a day, a week and a month, on real repositories."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.kinds import registry
from mainstay.kinds.backup.limits import Limits
from mainstay.kinds.kind import Session
from mainstay.model.because import Finding, Level
from mainstay.model.figure import Series
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.vault import manifest as manifests
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import prove
from mainstay.vault.store import unhurried

Open = Callable[..., Session]
Perform = Callable[..., list[str]]


def _found(session: Session) -> list[Finding]:
    task = registry.load("backup").task("check")
    return task.assess(task.observe(session), task.params())


def _told(session: Session) -> set[tuple[str, str]]:
    return {(one.level.name, str(one.because).split(" by ")[0]) for one in _found(session)}


def _make(session: Session, root: Path, days: int) -> None:
    """Make and prove a backup of `db` that says that it was made so many days ago."""
    at = clock.now() - timedelta(days=days, hours=1)
    order = Order(BackupId.of(at, "db", f"run-{days}"), "db", f"run-{days}")
    repository, store = create_repository(root), session.stores["db"]
    manifest = make(repository, store, order, unhurried())
    manifests.seal(repository.folder(manifest.id), replace(manifest, created=at))
    prove(repository, manifest.id, store, f"proof-{days}", unhurried())


@pytest.mark.covers("BKP-04", "BKP-08", "BKP-19")
def test_a_backup_that_is_unlike_those_before_it_is_found_and_one_like_them_is_not(
    tmp_path: Path, session: Open, app: sqlite3.Connection
) -> None:
    opened = session(of=("db",), max_age=Duration(86_400))
    app.executemany("INSERT INTO orders(who) VALUES (?)", [("somebody",)] * 9700)
    for days in (4, 3, 2, 1):
        _make(opened, tmp_path / "repo", days)
    assert not any("usual" in text for _, text in _told(opened))
    app.execute("DELETE FROM orders WHERE id > 8000")
    _make(opened, tmp_path / "repo", 0)
    fewer = "orders holds less than usual"
    assert ("OK", "age of the newest proven backup 1h <= max_age 1d (default)") in _told(opened)
    assert ("WARNING", fewer) in _told(opened)
    app.executescript("DELETE FROM orders; CREATE TABLE added (a); VACUUM")
    clock.sleep(1.1)
    _make(session(of=("db",)), tmp_path / "repo", 0)
    strict = session(of=("db",), max_age=Duration(60), limits=Limits(min_size=Size(10_000_000), max_rto=Duration(1e-6)))
    assert {("WARNING", fewer), ("WARNING", "the newest dump is smaller than usual")} <= _told(strict)
    texts = " ".join(str(one) for one in _found(strict))
    for wanted in ("> max_age 1m", "< limits.min_size 10 MB", "time to rebuild it, measured (RTO)", "10,000 were usual"):
        assert wanted in texts


@pytest.mark.covers("BKP-17")
def test_a_backup_beyond_the_budget_is_refused_before_it_starts_and_the_day_when_it_is_full_is_foreseen(
    tmp_path: Path, session: Open, perform: Perform
) -> None:
    perform(session(of=("db",)), "backup")
    before = sorted((tmp_path / "repo").rglob("*"))
    full = session(of=("db",), budget=Size(100))
    assert all("bytes of the repository with it" in line and line.startswith("skip db") for line in perform(full, "backup"))
    task = registry.load("backup").task("backup")
    assert [one.level for one in task.assess(task.observe(full), task.params())] == [Level.CRITICAL]
    assert sorted((tmp_path / "repo").rglob("*")) == before
    assert any("bytes of the repository" in str(one) and "largest: 20" in one.advice for one in _found(full))
    soon = session(of=("db",), budget=Size(10_000_000))
    points = [(clock.now() - timedelta(days=day), 10_000_000 - 1_000_000.0 * day) for day in range(9, 0, -1)]
    soon.history = lambda _since, names: {name: Series(name, points=points) for name in names if name == "stored"}
    assert any("time until it is full, as it has grown 9d" in str(one) for one in _found(soon))


def test_verify_by_id_reads_that_backup(session: Open, perform: Perform, tmp_path: Path) -> None:
    perform(session(of=("db",)), "backup")
    id = next((tmp_path / "repo" / "backups").iterdir()).name
    assert len(perform(session(of=("db",)), "verify", which=id)) == 1
    assert perform(session(of=("db",)), "verify", which="2020") == ["skip safe: backups whose id begins with 2020: 0"]
