"""Nothing is changed before a young copy of the data in danger is proven restorable."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.errors import Refused
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.system import clock
from tests.engine.shop import Shop


@pytest.fixture
def shop(shop: Shop, tmp_path: Path) -> Shop:
    """Return a shop with a database, its repository, and a command that changes it."""
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    database.close()
    shop.targets["db"] = {"kind": "sqlite", "path": str(tmp_path / "shop.db")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "safe")}, "of": ["db"]}
    shop.command("update", impact="none")
    return shop


def _site(shop: Shop, tasks: list[Any], within: str) -> App:
    shop.routines["update"] = {"tasks": tasks, "proof": {"of": ["db"], "within": within}}
    return shop.open()


def _run(app: App, routine: str = "update") -> RunRecord:
    return app.run(routine, Launch(by="ann", envelope=app.forecast(routine).envelope))


@pytest.mark.covers("PRE-01", "PRE-02")
def test_without_a_proven_copy_nothing_starts_and_the_way_to_one_is_named(shop: Shop) -> None:
    app = _site(shop, ["update.run"], "24h")
    with pytest.raises(Refused, match="no copy of it was ever proven") as refused:
        _run(app)
    assert refused.value.next == "mainstay run safe.backup && mainstay run safe.prove"
    _run(app, "safe.backup")
    with pytest.raises(Refused, match="no copy of it was ever proven"):
        _run(app)  # a backup that nobody has restored is none
    _run(app, "safe.prove")
    assert _run(app).status is Status.CHANGED
    assert shop.effects == ["update"]


@pytest.mark.covers("PRE-10", "BKP-23")
def test_a_change_makes_and_proves_its_backup_first_and_keeps_it_for_a_time_of_its_own(shop: Shop) -> None:
    keep = {"safe.hold": {"reason": "before the update", "lasts": "30d", "target": "db"}}
    app = _site(shop, ["safe.backup", "safe.prove", keep, "update.run"], "1h")
    record = _run(app)
    assert (record.verdict, shop.effects) == (Verdict.PASS, ["update"])
    facts, _ = app.why("safe.check")
    assert "before the update" in str(facts.catalogue.entries[0].hold)
    proven, began = record.task("safe.prove").ended, record.task("update.run").steps[0].began
    assert proven
    assert began
    assert proven <= began


def test_an_old_copy_does_not_become_young_by_being_proven_again(shop: Shop) -> None:
    app = _site(shop, ["safe.prove", "update.run"], "1s")
    _run(app, "safe.backup")
    clock.sleep(1.1)
    record = _run(app)
    task = record.task("update.run")
    assert (record.task("safe.prove").status, task.status, record.verdict) == (Status.CHANGED, Status.FAILED, Verdict.FAIL)
    assert "age of the newest proven copy" in task.because
    assert "> proof.within 1s (mainstay.yaml:" in task.because.replace(str(shop.folder) + "/", "")
    assert shop.effects == []


def test_a_backup_that_was_refused_stops_the_change(shop: Shop, tmp_path: Path) -> None:
    app = _site(shop, ["safe.backup", "safe.prove", "update.run"], "1s")
    _run(app, "safe.backup")
    clock.sleep(1.1)
    shop.targets["safe"]["budget"] = "1B"
    record = _run(shop.open())
    assert record.task("safe.backup").steps == ()
    assert (record.task("update.run").status, shop.effects) == (Status.FAILED, [])
