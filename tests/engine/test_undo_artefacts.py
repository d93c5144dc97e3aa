"""The gate proves that what an undo needs is there, before anything is changed: not only that somebody has written one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.because import Level
from mainstay.model.errors import Refused
from mainstay.model.run import RunRecord, Status
from mainstay.model.units import Duration
from tests.engine.shop import Shop


def script(folder: Path, text: str = "echo back >> $1\n", mode: int = 0o755) -> Path:
    path = folder / "rollback_maintenance.sh"
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(mode)
    return path


def site(shop: Shop, **settings: Any) -> App:
    shop.change("menu", **settings)
    shop.routines = {"daily": {"tasks": [{"menu.run": {"budget": "1m"}}]}}
    return shop.open()


def run(app: App) -> RunRecord:
    return app.run("daily", Launch(by="ada", envelope=app.forecast("daily").envelope))


@pytest.mark.covers("PRE-06")
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path, _: path.unlink(), "is no program that can be started"),
        (lambda path, _: path.chmod(0o644), "is no program that can be started"),
        (lambda path, _: path.write_text("#!/bin/sh\nif true; then\n"), "a shell cannot read it: "),
        (lambda _, kept: kept.unlink(), "previous.tar is not there, or is empty"),
        (lambda _, kept: kept.write_text(""), "previous.tar is not there, or is empty"),
    ],
)
def test_what_could_not_be_taken_back_is_not_begun_and_told_beforehand(shop: Shop, spoil: Any, told: str) -> None:
    kept = shop.folder / "previous.tar"
    kept.write_text("what was before")
    path = script(shop.folder)
    app = site(shop, undo=[str(path), str(shop.log)], undo_needs=[str(kept)])
    assert not [one for one in app.ready("daily") if one.level >= Level.CRITICAL and one.on == "menu.run"]
    spoil(path, kept)
    [no] = [one for one in app.ready("daily") if one.level >= Level.CRITICAL and one.on == "menu.run"]
    assert told in str(no.because)
    record = run(app)
    assert (record.task("menu.run").status, shop.effects) == (Status.FAILED, [])
    assert told in record.task("menu.run").because
    assert record.settled, "nothing was begun, nothing is owed"


@pytest.mark.covers("PRE-06")
def test_with_all_of_it_there_the_work_is_done_and_can_be_taken_back(shop: Shop) -> None:
    kept = shop.folder / "previous"
    kept.mkdir()
    (kept / "one").touch()
    app = site(shop, undo=[str(script(shop.folder)), str(shop.log)], undo_needs=[str(kept)], done=[])
    shop.routines["daily"]["watch"] = "1h"
    app = shop.open()
    record = run(app)
    assert (record.status, shop.effects) == (Status.CHANGED, ["menu"])
    app.roll_back(record.id)
    assert shop.effects == ["menu", "back"]


@pytest.mark.covers("PRE-06")
def test_where_the_way_back_is_a_backup_it_has_to_be_proven(shop: Shop) -> None:
    (shop.folder / "uploads").mkdir()
    (shop.folder / "uploads" / "a").write_text("a")
    shop.targets["uploads"] = {"kind": "files", "path": str(shop.folder / "uploads")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(shop.folder / "safe")}, "of": ["uploads"]}
    site(shop)
    shop.routines["daily"]["proof"] = {"of": ["uploads"], "within": "24h"}
    app = shop.open()
    app.run("safe.backup", Launch(by="ada"))
    with pytest.raises(Refused, match="no copy of it was ever proven"):
        run(app)
    app.run("safe.prove", Launch(by="ada"))
    assert run(app).status is Status.CHANGED


@pytest.mark.covers("PRE-06")
def test_a_bracket_that_could_not_be_lifted_is_not_put_in_force(shop: Shop) -> None:
    shop.command("shut", undo=[str(shop.folder / "gone")])
    app = site(shop)
    shop.routines["daily"]["around"] = ["shut.hold"]
    app = shop.open()
    app.sweep(Duration(60))
    record = run(app)
    assert shop.effects == []
    assert "shut.hold: it could not be lifted: undo of hold: " in record.task("menu.run").because
