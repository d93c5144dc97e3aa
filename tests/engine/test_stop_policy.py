"""What becomes of a step under way when its run is to stop: finished or cancelled, as its task says."""

from __future__ import annotations

import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.kinds.sqlite.vacuum import Vacuum
from mainstay.model.plan import Impact
from mainstay.model.run import RunRecord, Status
from mainstay.schedule.agenda import Announced
from mainstay.system import clock
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED
from tests.serve.served import PROGRAM, until


def slow(shop: Shop, policy: dict[str, Any], text: str = "echo begun >> $LOG; sleep 2; echo ended >> $LOG") -> App:
    """A routine of a step that takes two seconds, and one after it."""
    shop.change("slow", text=text, impact="load", done=shop.script("grep -qx ended $LOG && ! grep -qx unslow $LOG"))
    shop.command("after")
    shop.routines = {"daily": {"tasks": [{"slow.run": {"budget": "1s", **policy}}, {"after.run": {"budget": "1s"}}]}}
    return shop.open()


def cancelled_midway(shop: Shop, app: App) -> RunRecord:
    """Cancel the run from elsewhere while its first step is under way."""
    call = [*PROGRAM, "--config", str(shop.folder / "mainstay.yaml"), "run", "daily", "--yes"]
    with (shop.folder / "out").open("w") as out:
        owner = subprocess.Popen(call, stdout=out, stderr=out)
        until(lambda: "begun" in shop.effects, Path(out.name).read_text)
        app.cancel(app.run_record("last").id, "bob", "")
        owner.wait(timeout=60)
    return app.run_record("last")


@pytest.mark.parametrize("policy", [{}, {"on_stop": "cancel"}])
def test_a_step_is_ended_and_taken_back_when_its_run_is_cancelled(shop: Shop, policy: dict[str, Any]) -> None:
    record = cancelled_midway(shop, slow(shop, policy, "echo begun >> $LOG; exec sleep 600"))
    assert shop.effects == ["begun", "unslow"]
    assert [task.status for task in record.tasks] == [Status.CANCELLED, Status.CANCELLED]


def test_a_step_that_is_to_finish_does_so_and_nothing_begins_after_it(shop: Shop) -> None:
    record = cancelled_midway(shop, slow(shop, {"on_stop": "finish"}))
    assert shop.effects == ["begun", "ended"]
    assert [task.status for task in record.tasks] == [Status.CHANGED, Status.CANCELLED]


def in_a_slot_that_ends(shop: Shop, app: App, seconds: int) -> RunRecord:
    start = clock.now() + timedelta(seconds=1)
    app.announcements.announce(
        Announced("soon", "daily", start, start + timedelta(seconds=seconds), Impact.DOWNTIME, "bob", "a test")
    )
    until(lambda: clock.now() >= start)
    return app.run("daily", SCHEDULED)


@pytest.mark.slow
def test_at_the_end_of_its_slot_a_step_is_ended_and_taken_back_where_its_task_says_so(shop: Shop) -> None:
    app = slow(shop, {"on_stop": "cancel"}, "echo begun >> $LOG; exec sleep 600")
    record = in_a_slot_that_ends(shop, app, 15)
    assert shop.effects == ["begun", "unslow"]
    stopped = record.task("slow.run")
    assert (stopped.status, record.settled) == (Status.CANCELLED, True)
    assert stopped.because.startswith("its slot is over, and `on_stop` is cancel")
    assert record.task("after.run").status is Status.DEFERRED


@pytest.mark.slow
@pytest.mark.parametrize("policy", [{}, {"on_stop": "finish"}])
def test_at_the_end_of_its_slot_a_step_goes_on_otherwise(shop: Shop, policy: dict[str, Any]) -> None:
    app = slow(shop, policy, "echo begun >> $LOG; sleep 16; echo ended >> $LOG")
    began = time.monotonic()
    record = in_a_slot_that_ends(shop, app, 12)
    assert time.monotonic() - began > 12
    assert shop.effects == ["begun", "ended"]
    assert [task.status for task in record.tasks] == [Status.CHANGED, Status.DEFERRED]


def test_a_policy_is_pinned_with_the_run_and_a_task_kind_may_have_one_of_its_own(shop: Shop) -> None:
    app = slow(shop, {"on_stop": "cancel"}, "true")
    shop.targets["db"] = {"kind": "sqlite", "path": str(shop.folder / "x.db")}
    shop.routines["weekly"] = {"tasks": ["db.vacuum", "db.optimize"]}
    vacuum, optimize = shop.open().routine("weekly").tasks
    assert (vacuum.on_stop, optimize.on_stop, Vacuum.on_stop) == ("finish", "", "finish")
    record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    assert record.task("slow.run").on_stop == "cancel"
