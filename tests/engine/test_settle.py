"""What is owed, watched, held, taken back by a person, and settled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.ledger import queries
from mainstay.model.errors import Refused
from mainstay.model.run import RunRecord, Status, Verdict
from tests.engine.shop import Shop


def run(shop: Shop) -> RunRecord:
    app = shop.open()
    return app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope, how="test"))


def watched(shop: Shop, watch: str) -> RunRecord:
    shop.change("menu")
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.broken")}
    shop.routines = {"daily": {"watch": watch, "checks": ["shop.check"], "tasks": ["menu.run"]}}
    return run(shop)


def test_a_watched_run_is_settled_when_its_watch_period_is_over(shop: Shop) -> None:
    record = watched(shop, "300ms")
    assert (record.verdict, record.settled) == (Verdict.PASS, False)
    assert shop.open().sweep() == []
    time.sleep(0.35)
    assert [one.settled for one in shop.open().sweep()] == [True]


@pytest.mark.covers("RBK-01")
def test_a_person_rolls_a_watched_run_back(shop: Shop) -> None:
    record = watched(shop, "1h")
    back = shop.open().roll_back(record.id)
    assert shop.effects == ["menu", "unmenu"]
    assert back.task("menu.run").status is Status.UNDONE


def test_a_settled_run_cannot_be_rolled_back(shop: Shop) -> None:
    record = watched(shop, "0s")
    with pytest.raises(Refused, match="is settled"):
        shop.open().roll_back(record.id)


def test_a_run_whose_owner_was_killed_is_found_and_brought_to_its_end(shop: Shop) -> None:
    shop.change("gate")
    shop.change("menu", text="echo menu >> $LOG; sleep 30")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}}
    shop.open()
    owner = launch_elsewhere(shop.folder)
    while "menu" not in shop.effects:
        time.sleep(0.02)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    swept = shop.open().sweep()[0]
    assert shop.effects == ["gate", "menu", "ungate"]
    assert "a look shows that it happened" in swept.task("menu.run").steps[0].because
    assert swept.settled


def launch_elsewhere(folder: Path) -> subprocess.Popen[bytes]:
    script = (
        "import sys, pathlib\nfrom mainstay.app import App\nfrom mainstay.engine.run import Launch\n"
        "app = App.open(pathlib.Path(sys.argv[1]))\n"
        "app.run('daily', Launch(envelope=app.forecast('daily').envelope))\n"
    )
    return subprocess.Popen([sys.executable, "-c", script, str(folder / "mainstay.yaml")])


def test_a_living_owner_keeps_its_run(shop: Shop) -> None:
    shop.command("slow", "echo in >> $LOG; sleep 1")
    shop.routines = {"daily": {"tasks": ["slow.run"]}}
    shop.open()
    owner = launch_elsewhere(shop.folder)
    while not shop.effects:
        time.sleep(0.02)
    app = shop.open()
    with pytest.raises(Refused, match="living owner"):
        app.resume(app.runs(1)[0].id)
    assert app.sweep() == []
    assert owner.wait(20) == 0


def test_names_that_an_undo_needs_are_held_until_the_run_is_settled(shop: Shop) -> None:
    record = watched(shop, "1h")
    app = shop.open()
    started = next(event for event in app.journal.events(run=record.id) if event.kind == "step.started")
    step = {**started.body["step"], "id": "keep", "holds": ["backup:/safe/1"]}
    app.journal.append("step.started", {**started.body, "step": step}, run=record.id, task="menu.run")
    assert queries.held(app.journal) == {"backup:/safe/1"}
    app.settle(record.id, "ann", "seen")
    assert queries.held(app.journal) == frozenset()
