"""Runs that wait for people, and people who stop, answer and settle."""

from __future__ import annotations

import threading
import time

import pytest

from mainstay.engine import gate
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.errors import Refused
from mainstay.model.run import RunRecord, Status
from tests.engine.shop import Shop


def parked(shop: Shop, **params: str) -> RunRecord:
    shop.command("before")
    shop.command("after")
    shop.targets["cook"] = {"kind": "manual", "text": "Is the kitchen closed?"}
    item = {"cook.sign": params} if params else "cook.sign"
    shop.routines = {"daily": {"tasks": ["before.run", item, {"after.run": {"needs": ["cook.sign"]}}]}}
    app = shop.open()
    return app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))


def test_a_parked_run_holds_no_lock_and_goes_on_when_it_is_signed(shop: Shop) -> None:
    waiting = parked(shop)
    app = shop.open()
    assert (waiting.status, shop.effects) == (Status.WAITING, ["before"])
    assert not gate.alive(app.context, waiting.id)
    app.sign(waiting.id, "cook.sign", "bob", "lights are off", yes=True)
    done = app.resume(waiting.id)
    assert shop.effects == ["before", "after"]
    assert done.task("cook.sign").because == "signed by bob: lights are off"
    assert done.remarks[-1].at is not None


def test_a_declined_item_skips_what_needs_it(shop: Shop) -> None:
    waiting = parked(shop)
    app = shop.open()
    app.sign(waiting.id, "cook.sign", "bob", "still cooking", yes=False)
    assert app.resume(waiting.id).task("after.run").status is Status.SKIPPED
    assert shop.effects == ["before"]


def test_an_unanswered_run_is_not_resumed(shop: Shop) -> None:
    waiting = parked(shop)
    with pytest.raises(Refused, match="waits for a person"):
        shop.open().resume(waiting.id)
    assert shop.open().sweep() == []


def test_an_answer_that_is_overdue_expires(shop: Shop) -> None:
    waiting = parked(shop, expires="200ms")
    time.sleep(0.25)
    swept = shop.open().sweep()
    assert [run.id for run in swept] == [waiting.id]
    assert "nobody answered within 200ms" in swept[0].task("cook.sign").because


def test_a_signed_run_passes_the_gate_again(shop: Shop) -> None:
    waiting = parked(shop)
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": ["/bin/false"]}
    shop.routines["daily"]["checks"] = ["shop.check"]
    app = shop.open()
    app.sign(waiting.id, "cook.sign", "bob", "", yes=True)
    with pytest.raises(Refused, match="check of the routine"):
        app.resume(waiting.id)
    assert app.run_record(waiting.id).status is Status.WAITING


def test_cancel_ends_the_whole_process_group_and_takes_the_step_back(shop: Shop) -> None:
    shop.change("slow", text="echo slow >> $LOG; sleep 60 & sleep 60; echo never >> $LOG")
    shop.command("later")
    shop.routines = {"daily": {"tasks": ["slow.run", "later.run"]}}
    app = shop.open()
    how = Launch(by="ann", envelope=app.forecast("daily").envelope)
    result: list[RunRecord] = []
    owner = threading.Thread(target=lambda: result.append(app.run("daily", how)))
    owner.start()
    other = shop.open()
    while "slow" not in shop.effects:
        time.sleep(0.02)
    other.cancel(other.runs(1)[0].id, "bob", "enough")
    owner.join(30)
    assert shop.effects == ["slow", "unslow"]
    assert [task.status for task in result[0].tasks] == [Status.CANCELLED, Status.CANCELLED]
    assert result[0].settled


def test_a_step_nobody_can_tell_about_waits_for_a_persons_word(shop: Shop) -> None:
    shop.command("mail")  # no `done`: after a crash nobody knows
    shop.command("later")
    shop.routines = {"daily": {"tasks": ["mail.run", "later.run"]}}
    app = shop.open()
    crashed = crash_in_first_step(shop)
    unknown = app.resume(crashed)
    assert (unknown.status, unknown.settled) == (Status.UNKNOWN, False)
    assert shop.effects == []
    app.answer(crashed, "ann", "the mail is in the outbox", yes=True)
    done = app.resume(crashed)
    assert done.task("mail.run").status is Status.CHANGED
    assert done.settled


def crash_in_first_step(shop: Shop) -> str:
    """Write the journal of an owner that died right after a start row."""
    app = shop.open()
    record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    shop.log.write_text("")
    rows = [event for event in app.journal.events(run=record.id) if event.kind != events.RUN_CONSENTED]
    for event in rows[: next(n for n, event in enumerate(rows) if event.kind == events.STEP_STARTED) + 1]:
        app.journal.append(event.kind, event.body, run="20260101T000000-daily-dead", task=event.task)
    return "20260101T000000-daily-dead"
