"""What is learned from earlier runs: how long an act takes, how long taking back takes, and so when it is too late to begin."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.engine import measured
from mainstay.engine.run import Launch
from mainstay.model.because import Level
from mainstay.model.run import RunRecord, Status
from mainstay.model.units import Duration
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED, open_now
from tests.serve.served import PROGRAM


def by_hand(app: App, routine: str = "daily") -> RunRecord:
    return app.run(routine, Launch(by="ann", envelope=app.forecast(routine).envelope))


@pytest.mark.covers("SCH-09")
def test_what_an_act_takes_is_learned_from_the_runs_and_shown_with_the_plan(shop: Shop) -> None:
    shop.command("menu", "sleep 0.$(wc -l < $LOG); echo menu >> $LOG", impact="load")
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    app = shop.open()
    for times in range(6):
        [task] = app.forecast("daily").tasks
        assert len(task.estimates) == (1 if times > 4 else 0), "five runs are enough"
        by_hand(app)
    [known] = app.forecast("daily").tasks[0].estimates
    assert (known.action, known.times) == ("run", 6)
    assert 0.2 <= known.p50 <= known.p95
    assert known.p95 >= 0.5, "what 95 of 100 keep within is that of the slowest here"
    words = [*PROGRAM, "--config", str(Path(shop.folder) / "mainstay.yaml"), "plan", "daily"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    assert re.search(r"run .* at most .* in 6 runs", told)


def remembered(app: App, task: str, took: float) -> None:
    """Write into a new journal that the act of a task took so long, five times."""
    body = json.dumps({"step": "run", "action": "run", "status": "changed", "because": "", "undo_of": "", "took": took})
    first = app.journal._connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
    for number in range(first + 1, first + 6):
        row = (number, "2026-01-01T00:00:00+00:00", "step.ended", "r", task, body)
        app.journal._connection.execute("INSERT INTO event (seq, at, kind, run, task, body, hash) VALUES (?,?,?,?,?,?,'')", row)


@pytest.mark.covers("SCH-09")
def test_past_its_latest_safe_start_no_risky_act_begins_and_what_nobody_notices_does(shop: Shop) -> None:
    shop.change("clean")
    shop.command("look", impact="none", neutral=True)
    shop.routines = {"daily": {"tasks": [{"clean.run": {"budget": "1m"}}, {"look.run": {"budget": "1m"}}]}}
    open_now(shop, max_impact="downtime")
    app = shop.open()
    for task in ("clean.run", "look.run"):
        remembered(app, task, 59.5 * 60)
    record = app.run("daily", SCHEDULED)
    assert shop.effects == ["look"]
    assert record.task("clean.run").status is Status.DEFERRED
    assert record.task("clean.run").because.startswith("past the latest safe start of run: time needed 59m30s > 5")
    assert record.task("look.run").status is Status.CHANGED


@pytest.mark.covers("SCH-09", "RBK-02")
@pytest.mark.parametrize("objective", [15, 30, 60])
@pytest.mark.parametrize(("more", "status"), [(300, Status.CHANGED), (150, Status.DEFERRED)])
def test_the_time_for_a_rollback_is_kept_free_at_the_end_of_the_slot(
    shop: Shop, objective: int, more: int, status: Status
) -> None:
    shop.change("menu")
    shop.routines = {"daily": {"rollback": f"{objective}m", "tasks": [{"menu.run": {"budget": "1m"}}]}}
    open_now(shop, f"{objective * 60 + more}s", max_impact="downtime")  # of which one or two minutes are over
    assert shop.open().run("daily", SCHEDULED).task("menu.run").status is status


@pytest.mark.covers("RBK-02")
def test_a_rollback_is_measured_and_compared_with_its_objective(shop: Shop) -> None:
    shop.change("menu", undo=shop.script("sleep 1.2; echo unmenu >> $LOG"))
    shop.routines = {"daily": {"rollback": "1s", "watch": "1h", "tasks": [{"menu.run": {"budget": "1m"}}]}}
    open_now(shop, max_impact="downtime")
    app = shop.open()
    judged = {one.on: one for one in app.ready("daily")}
    assert (judged["rollback"].level, "never measured" in str(judged["rollback"].because)) == (Level.WARNING, True)
    record = by_hand(app)
    app.roll_back(record.id)
    took = measured.rollback(app.context, "daily")
    assert took is not None
    assert took >= 1.2
    judged = {one.on: one for one in app.ready("daily")}
    assert re.fullmatch(r"longest measured .* > rollback 1s \(mainstay\.yaml:\d+\)", str(judged["rollback"].because))
    words = [*PROGRAM, "--config", str(Path(shop.folder) / "mainstay.yaml"), "show", record.id]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    assert re.search(r"rolled back 1 \(in 1\.\d+s of 1s\)", told)
    assert "more than the 1s that it may" in told


@pytest.mark.covers("RBK-02")
def test_a_rollback_that_took_longer_than_it_may_makes_the_latest_safe_start_earlier(shop: Shop) -> None:
    shop.change("menu", undo=shop.script("sleep 2; echo unmenu >> $LOG"))
    shop.routines = {"daily": {"rollback": "1s", "watch": "1h", "tasks": [{"menu.run": {"budget": "1m"}}]}}
    app = shop.open()
    assert measured.with_rollback(app.context, app.routine("daily")).rollback == Duration(1)
    app.roll_back(by_hand(app).id)
    assert measured.with_rollback(app.context, app.routine("daily")).rollback >= 2
    needed = app.needed(app.routine("daily"))
    assert needed is not None
    assert needed >= 122
    shop.routines["daily"]["rollback"] = "15m"
    assert measured.with_rollback(app.context, shop.open().routine("daily")).rollback == Duration(900)
