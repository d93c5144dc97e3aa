"""Maintenance is rehearsed on a copy that was rebuilt from a backup; what is live is neither asked nor touched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.because import Level
from mainstay.model.errors import ConfigError, Refused
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
        database.execute("BEGIN")
        database.executemany("INSERT INTO orders(who) VALUES (?)", [(f"w{number % 7}",) for number in range(2000)])
        database.execute("COMMIT")
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


def test_a_copy_as_it_was_loaded_leaves_nothing_to_do_and_that_is_no_success(shop: Shop) -> None:
    record = _run(shop.open(), "safe.rehearse", routine="db.vacuum", wear="false")
    assert record.tasks[0].status is Status.DEFERRED, record.because
    assert "tasks that found something to do on the copies: 0" in record.because
    assert _last(shop).copies[0].tried[0].nothing.startswith("free_share 0 % <= max_free_share 20 %")


def test_one_task_is_rehearsed_as_the_routine_that_has_it_would_do_it(shop: Shop) -> None:
    shop.routines["weekly"] = {"tasks": [{"db.optimize": {"growth": 3}}]}
    app = shop.open()
    (step, *_) = app.forecast(app.routine("safe.rehearse", {"routine": "db.optimize"})).plans[0].steps
    assert step.args["pieces"][0]["params"] == {"growth": 3.0}


def test_a_backup_that_cannot_be_rebuilt_fails_the_rehearsal(shop: Shop) -> None:
    largest = max((shop.folder / "repo" / "objects").rglob("*.zst"), key=lambda path: path.stat().st_size)
    with largest.open("r+b") as file:
        file.seek(100)
        file.write(b"\0\0\0\0")
    app = shop.open()
    record = _run(app, "safe.rehearse", routine="weekly")
    assert (record.verdict, _last(shop).copies[0].tried) == (Verdict.FAIL, ())
    assert "the rehearsal failed (weekly): db: " in record.because
    told = [one for task in app.check(["safe"]) for one in task.findings if one.on == "rehearsal of weekly"]
    assert [one.level for one in told] == [Level.WARNING]


def test_a_target_without_a_backup_is_not_rehearsed_and_nothing_else_is(shop: Shop) -> None:
    shop.targets["more"] = {"kind": "sqlite", "path": str(shop.folder / "more.db")}
    shop.targets["safe"]["of"] = ["db", "more"]
    shop.routines["weekly"] = {"tasks": ["db.vacuum", "more.vacuum"]}
    record = _run(shop.open(), "safe.rehearse", routine="weekly")
    assert record.tasks[0].steps == ()
    assert record.tasks[0].plan is not None
    assert str(record.tasks[0].plan.skips[0].because) == "targets without any backup: more"
    assert (record.status, record.verdict) == (Status.FAILED, Verdict.FAIL), "a rehearsal that was not made is no good one"


def test_a_rehearsal_without_a_repository_fails(shop: Shop) -> None:
    (shop.folder / "repo").rename(shop.folder / "unmounted")
    record = _run(shop.open(), "safe.rehearse", routine="weekly")
    assert (record.status, record.verdict) == (Status.FAILED, Verdict.FAIL)
    assert "repo" in record.tasks[0].because


def test_a_routine_that_requires_a_rehearsal_starts_after_a_good_one_of_what_it_asks_for_now(shop: Shop) -> None:
    shop.routines["weekly"]["requires"] = {"practised": {"rehearsed": True, "within": "7d"}}
    (shop.folder / "away.db").rename(shop.folder / "app.db")
    app = shop.open()
    with pytest.raises(Refused, match="weekly was never rehearsed"):
        app.run("weekly", Launch())
    _run(app, "safe.rehearse", routine="weekly", wear="false")
    _run(app, "safe.rehearse", routine="weekly")
    assert all(one.level is Level.OK for one in app.ready("weekly") if one.on == "practised")
    shop.routines["weekly"]["tasks"] = [{"db.optimize": {"growth": 3}}]
    with pytest.raises(Refused, match="weekly asks for something else since it was rehearsed"):
        shop.open().run("weekly", Launch())
    _run(shop.open(), "safe.rehearse", routine="db.vacuum", wear="false")
    shop.routines["weekly"]["tasks"] = ["db.vacuum"]
    _run(shop.open(), "safe.rehearse", routine="weekly", wear="false")
    with pytest.raises(Refused, match="the newest rehearsal of weekly is deferred"):
        shop.open().run("weekly", Launch())


def test_a_routine_that_is_not_there_is_a_mistake_with_its_line(shop: Shop) -> None:
    shop.routines["monthly"] = {"tasks": [{"safe.rehearse": {"routine": "weekyl"}}]}
    with pytest.raises(ConfigError) as caught:
        shop.open()
    (mistake,) = caught.value.mistakes
    assert "no routine 'weekyl'" in mistake.problem
    assert "weekly" in mistake.suggestion
    assert mistake.origin.line > 1


def test_what_cannot_be_rehearsed_is_named_with_its_reason(shop: Shop, tmp_path: Path) -> None:
    shop.change("outage")
    shop.targets["menu"] = {"kind": "manual", "text": "is it hot?"}
    shop.targets["other"] = {"kind": "sqlite", "path": str(tmp_path / "other.db")}
    shop.targets["rooted"] = {"kind": "sqlite", "path": str(tmp_path / "rooted.db"), "privilege": "root"}
    shop.targets["safe"]["of"] = ["db", "rooted"]
    tasks = ["db.optimize", "menu.sign", {"db.snapshot": {"folder": str(tmp_path)}}, "other.vacuum", "rooted.vacuum"]
    shop.routines["weekly"] = {"around": ["outage.hold"], "tasks": tasks}
    record = _run(shop.open(), "safe.rehearse", routine="weekly")
    assert record.verdict is Verdict.PASS, record.because
    assert {one.task: one.left_out for one in _last(shop).left_out} == {
        "outage.hold": "it stays in force around others, at what users see",
        "menu.sign": "a person does it",
        "db.snapshot": "what it does does not stay in its target",
        "other.vacuum": "other is not backed up in safe",
        "rooted.vacuum": "it needs root",
    }
    assert (shop.effects, list(tmp_path.glob("*.sqlite"))) == ([], [])
