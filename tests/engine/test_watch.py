"""The watch period of a run: looks that go on after it, by whoever settles, and what they lead to."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mainstay.ledger import events, queries
from mainstay.model.run import RunRecord, Status, Verdict
from tests.engine.shop import Shop
from tests.engine.test_settle import run


def watched(shop: Shop, watch: str = "1h", every: str = "100ms", checks: str = "checks") -> RunRecord:
    shop.change("menu")
    shop.targets["till"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.broken")}
    shop.routines = {"daily": {"watch": watch, "watch_every": every, checks: ["till.check"], "tasks": ["menu.run"]}}
    return run(shop)


def broken(shop: Shop) -> Path:
    return shop.folder / "effects.log.broken"


def sweep_until(shop: Shop, met: Callable[[RunRecord], Any]) -> RunRecord:
    """Settle as a timer does, each time by another process's eyes, until something is met."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for record in shop.open().sweep():
            if met(record):
                return record
        time.sleep(0.02)
    raise AssertionError("it was never met")


def test_looks_go_on_and_the_end_is_a_note_in_the_record(shop: Shop) -> None:
    record = watched(shop, "4s")
    assert (record.verdict, record.settled) == (Verdict.PASS, False)
    ended = sweep_until(shop, lambda one: one.settled)
    assert ended.watched.looks >= 2
    assert ended.verdict is Verdict.PASS
    note = ended.remarks[-1].text
    assert note == f"watched for 4s, {ended.watched.looks} looks: nothing is worse than before the run"


def test_one_bad_look_is_no_reason_to_call_people(shop: Shop) -> None:
    watched(shop, "600ms")
    broken(shop).touch()
    doubtful = sweep_until(shop, lambda one: one.watched.bad)
    assert (doubtful.watched.reopened, doubtful.verdict) == (None, Verdict.PASS)
    broken(shop).unlink()
    ended = sweep_until(shop, lambda one: one.settled)
    assert ended.remarks[-1].text.endswith("; 1 were, and not in a row")


def test_two_in_a_row_reopen_the_run_and_name_the_way_back(shop: Shop) -> None:
    record = watched(shop)
    broken(shop).touch()
    reopened = sweep_until(shop, lambda one: one.watched.reopened)
    assert (reopened.verdict, reopened.settled, reopened.watched.bad) == (Verdict.DEGRADED, False, 2)
    assert reopened.because.startswith("worse in its watch period: till.check: /bin/true: its `after` check passes")
    assert reopened.watched.next == f"mainstay rollback {record.id}"
    assert reopened.task("menu.run").status is Status.CHANGED, "nothing is taken back without a person"

    back = shop.open().roll_back(record.id)
    assert (shop.effects, back.rolled_back, back.settled) == (["menu", "unmenu"], True, True)


def test_a_reopened_run_is_told_of_once_however_long_it_stays_worse(shop: Shop) -> None:
    record = watched(shop)
    broken(shop).touch()
    sweep_until(shop, lambda one: one.watched.bad >= 3)
    kinds = [event.kind for event in shop.open().journal.events(run=record.id)]
    assert kinds.count(events.RUN_REOPENED) == 1


def test_a_reopened_run_that_is_well_again_is_watched_for_a_whole_period_more(shop: Shop) -> None:
    watched(shop, "500ms")
    broken(shop).touch()
    reopened = sweep_until(shop, lambda one: one.watched.reopened)
    broken(shop).unlink()
    ended = sweep_until(shop, lambda one: one.settled)
    assert ended.verdict is Verdict.DEGRADED
    assert ended.remarks[-1].text.startswith("watched for 500ms, ")
    assert ": worse at " in ended.remarks[-1].text
    well, ill = ended.watched.last, reopened.watched.bad_at
    assert well
    assert ill
    assert (well - ill).total_seconds() >= 0.5


def test_what_was_as_bad_before_the_run_is_none_of_its_doing(shop: Shop) -> None:
    broken(shop).touch()
    record = watched(shop, "300ms", checks="looks")
    assert record.verdict is Verdict.PASS
    assert record.checks_before[-1].status is Status.FAILED
    assert not sweep_until(shop, lambda one: one.settled).watched.all_bad


def test_a_look_that_fails_after_the_change_and_not_before_has_it_taken_back(shop: Shop) -> None:
    shop.change("menu", argv=shop.script("echo menu >> $LOG; touch $LOG.broken"))
    shop.targets["till"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.broken")}
    shop.routines = {"daily": {"looks": ["till.check"], "tasks": ["menu.run"]}}
    record = run(shop)
    assert shop.effects == ["menu", "unmenu"]
    assert record.rolled_back


def test_held_names_stay_held_through_the_whole_watch(shop: Shop) -> None:
    record = watched(shop, "1h")
    app = shop.open()
    started = next(event for event in app.journal.events(run=record.id) if event.kind == events.STEP_STARTED)
    step = {**started.body["step"], "id": "keep", "holds": ["backup:/safe/1"]}
    app.journal.append(events.STEP_STARTED, {**started.body, "step": step}, run=record.id, task="menu.run")
    app.journal.append(
        events.STEP_ENDED,
        {"step": "keep", "status": "changed", "because": "", "after": None, "output": ""},
        run=record.id,
        task="menu.run",
    )
    sweep_until(shop, lambda one: one.watched.looks >= 2)
    assert queries.held(shop.open().journal) == {"backup:/safe/1"}


def test_a_check_that_was_bad_when_the_run_ended_hides_no_other(shop: Shop) -> None:
    shop.targets["door"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.shut")}
    record = watched(shop, checks="looks")
    shop.routines["daily"]["looks"] = ["door.check", "till.check"]
    app = shop.open()
    [final] = app.journal.events(run=record.id, kinds=(events.RUN_FINAL,))
    bad = final.body
    bad["checks"].append({**bad["checks"][0], "id": "door.check", "status": "failed"})
    app.journal.append(events.RUN_FINAL, bad, run=record.id)
    (shop.folder / "effects.log.shut").touch()
    sweep_until(shop, lambda one: one.watched.bad >= 2 and not one.watched.reopened)
    broken(shop).touch()
    assert "till.check" in sweep_until(shop, lambda one: one.watched.reopened).because


def test_nobody_looks_while_another_run_is_at_work(shop: Shop) -> None:
    shop.command("slow", "echo in >> $LOG; sleep 3; echo out >> $LOG")
    record = watched(shop)
    shop.routines["other"] = {"tasks": ["slow.run"]}
    shop.open()
    script = "import sys, pathlib\nfrom mainstay.app import App\nfrom mainstay.engine.run import Launch\n"
    script += "app = App.open(pathlib.Path(sys.argv[1]))\napp.run('other', Launch(envelope=app.forecast('other').envelope))\n"
    with subprocess.Popen([sys.executable, "-c", script, str(shop.folder / "mainstay.yaml")]):
        while "in" not in shop.effects:
            time.sleep(0.02)
        looks = shop.open().run_record(record.id).watched.looks
        swept = shop.open().sweep()
        assert "out" in shop.effects or (swept, shop.open().run_record(record.id).watched.looks) == ([], looks)
    assert sweep_until(shop, lambda one: one.watched.looks > looks)
