"""How far a task goes without a person: approved before it acts, or reviewed afterwards."""

from __future__ import annotations

import pytest

from mainstay.app import App
from mainstay.engine import gate
from mainstay.engine.run import Launch
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.run import RunRecord, Status, Verdict
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED, open_now


def started(shop: Shop, level: str, **window: str) -> tuple[App, RunRecord]:
    shop.change("close")
    shop.command("after")
    shop.routines = {"daily": {"tasks": [{"close.run": {"budget": "1m", "level": level}}, {"after.run": {"budget": "1m"}}]}}
    open_now(shop, max_impact="downtime", **window)
    app = shop.open()
    return app, app.run("daily", SCHEDULED)


@pytest.mark.covers("SCH-17")
def test_what_is_automatic_asks_nobody(shop: Shop) -> None:
    app, record = started(shop, "automatic")
    assert (record.status, shop.effects) == (Status.CHANGED, ["close", "after"])
    assert app.unsettled() == []


@pytest.mark.covers("SCH-17")
def test_what_is_to_be_approved_waits_with_what_it_would_do_and_goes_on(shop: Shop) -> None:
    app, record = started(shop, "approve")
    assert (record.status, shop.effects) == (Status.WAITING, [])
    assert record.because.startswith("close.run waits for approval (1 steps, impact downtime)")
    assert not gate.alive(app.context, record.id)
    app.sign(record.id, "close.run", "bob", "nobody is in", yes=True)
    assert app.resume(record.id).status is Status.CHANGED
    assert shop.effects == ["close", "after"]


@pytest.mark.covers("SCH-17")
def test_what_is_declined_is_not_done(shop: Shop) -> None:
    app, record = started(shop, "approve")
    app.sign(record.id, "close.run", "bob", "the shop is full", yes=False)
    done = app.resume(record.id)
    assert (done.task("close.run").status, done.task("close.run").because) == (Status.FAILED, "declined by bob: the shop is full")
    assert shop.effects == ["after"]


def test_nobody_is_asked_when_there_is_nothing_to_do_or_it_is_kept_out(shop: Shop) -> None:
    shop.change("close")
    shop.open()
    shop.log.write_text("close\n")
    _, record = started(shop, "approve")
    assert record.task("close.run").status is Status.OK
    shop.log.write_text("")
    shop.blackouts = {"b": {"on": "01-01..12-31"}}
    record = shop.open().run("daily", Launch(attended=False))
    assert record.task("close.run").status is Status.DEFERRED


def test_a_person_who_starts_it_has_approved(shop: Shop) -> None:
    app, _ = started(shop, "approve")
    record = app.run("daily", Launch(by="ada", envelope=app.forecast("daily").envelope))
    assert record.status is Status.CHANGED


@pytest.mark.covers("SCH-17")
def test_what_is_to_be_reviewed_is_done_and_stays_open_until_somebody_has_looked(shop: Shop) -> None:
    app, record = started(shop, "review")
    assert (record.status, shop.effects) == (Status.CHANGED, ["close", "after"])
    assert [one.id for one in app.unsettled()] == [record.id]
    assert app.sweep() == [], "time alone does not review it"
    with pytest.raises(Refused, match="does not wait for that item"):
        app.sign(record.id, "after.run", "bob", "", yes=True)
    app.sign(record.id, "close.run", "bob", "the door is shut", yes=True)
    assert app.reviewed(record.id).settled
    assert app.unsettled() == []


def test_an_open_review_keeps_nobody_from_working(shop: Shop) -> None:
    app, _ = started(shop, "review")
    assert app.run("after.run", Launch(by="ada", envelope=app.forecast("after.run").envelope)).status is Status.CHANGED


@pytest.mark.covers("SCH-17")
def test_what_is_declined_in_review_has_failed_and_can_be_taken_back(shop: Shop) -> None:
    app, record = started(shop, "review")
    app.sign(record.id, "close.run", "bob", "the wrong door", yes=False)
    declined = app.reviewed(record.id)
    assert (declined.status, declined.verdict, declined.settled) == (Status.FAILED, Verdict.FAIL, False)
    assert declined.because == "close.run was declined in review by bob: the wrong door"
    assert app.sweep() == []
    app.roll_back(record.id)
    assert shop.effects[-1] == "unclose"


@pytest.mark.parametrize(("asked", "allowed"), [("close.run", True), ("lock.run", False)])
def test_nobody_is_asked_for_approval_while_an_outage_lasts(shop: Shop, asked: str, allowed: bool) -> None:
    shop.change("close")
    shop.change("lock")
    shop.command("shutter", undo=["/bin/true"])
    tasks = [{task: {"level": "approve"}} if task == asked else task for task in ("close.run", "lock.run")]
    shop.routines = {"daily": {"around": ["shutter.hold"], "tasks": tasks}}
    if allowed:
        assert shop.open()
    else:
        with pytest.raises(
            ConfigError, match=r"waits for a person while shutter\.hold is in force, from close\.run to lock\.run"
        ):
            shop.open()
