"""Maintenance is rehearsed on a copy that was rebuilt from a backup; what is live is neither asked nor touched."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.errors import ConfigError
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.vault import rehearsal
from mainstay.vault.rehearsal import Rehearsal
from mainstay.vault.repository import open_repository
from tests.engine.shop import Shop

WEEKLY = ["db.optimize", "db.vacuum", "db.check", "hello.run"]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a site whose database was backed up, and is gone since: whoever asked it for anything would fail."""
    made = Shop(tmp_path)
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as database:
        database.executescript("CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT); CREATE INDEX by_who ON orders(who)")
        database.executemany("INSERT INTO orders(who) VALUES (?)", [(f"w{number % 7}",) for number in range(2000)])
    made.targets["db"] = {"kind": "sqlite", "path": str(tmp_path / "app.db"), "max_stall": "10s"}
    made.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "repo")}, "of": ["db"]}
    made.command("hello")
    made.routines["weekly"] = {"tasks": WEEKLY}
    assert _run(made.open(), "safe.backup").verdict is Verdict.PASS
    (tmp_path / "app.db").rename(tmp_path / "away.db")
    return made


def _run(app: App, task: str, **params: str) -> RunRecord:
    return app.run(app.routine(task, params or None), Launch(by="ann"))


def _last(shop: Shop) -> Rehearsal:
    return rehearsal.all_of(open_repository(shop.folder / "repo"))[-1]


def _told(record: RunRecord) -> str:
    return record.tasks[0].steps[0].output


def test_the_tasks_of_a_routine_are_done_to_a_copy_and_the_record_tells_how_it_went(shop: Shop) -> None:
    record = _run(shop.open(), "safe.rehearse", routine="weekly")
    assert (record.status, record.verdict) == (Status.CHANGED, Verdict.PASS), record.because
    done = _last(shop)
    assert done.acted == ("db.optimize", "db.vacuum")
    assert "nothing is lost" in done.copies[0].compared
    assert all(act.took > 0 for one in done.copies[0].tried for act in one.acts)
    assert [(one.task, one.left_out) for one in done.left_out] == [
        ("db.check", "it only looks"),
        ("hello.run", "what it does does not stay in its target"),
    ]
    assert "db.vacuum: 1 of its steps done and proven in" in _told(record)
    assert not (shop.folder / "app.db").exists()
    assert list((shop.folder / "repo").glob(".part-*")) == []
    assert shop.effects == []
