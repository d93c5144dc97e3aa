"""A manual routine is a tracked run: items in order, each begun by a person, timed and signed, automated tasks among them."""

from __future__ import annotations

import time

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.run import RunRecord, Status
from tests.engine.shop import Shop


@pytest.fixture
def yearly(shop: Shop) -> Shop:
    shop.targets["plan"] = {"kind": "manual", "text": "Plan the year with the owners."}
    shop.targets["handover"] = {"kind": "manual", "text": "Hand over to the team."}
    shop.command("upgrade")
    shop.command("drill")
    tasks = ["plan.sign", {"upgrade.run": {"budget": "1h"}}, {"drill.run": {"budget": "1h"}}, "handover.sign"]
    shop.routines = {"yearly": {"manual": True, "tasks": tasks, "cadence": "yearly"}}
    shop.windows = {"yearly": {"rule": "yearly 01-01 06:00", "length": "6h", "max_impact": "downtime"}}
    return shop


def begun(app: App) -> RunRecord:
    return app.run("yearly", Launch(by="ada", envelope=app.forecast("yearly").envelope))


def signed(app: App, record: RunRecord, task: str, by: str, text: str = "") -> RunRecord:
    app.sign(record.id, task, by, text, yes=True)
    return app.resume(record.id)


@pytest.mark.covers("SCH-06")
def test_every_item_is_begun_by_a_person_in_order_timed_and_signed(yearly: Shop) -> None:
    app = yearly.open()
    record = begun(app)
    assert (record.status, yearly.effects) == (Status.WAITING, [])
    app.begin_item(record.id, "plan.sign", "ada", "")
    time.sleep(0.3)
    record = signed(app, record, "plan.sign", "ada", "agreed with everybody")
    assert (record.status, yearly.effects) == (Status.WAITING, []), "the next one waits too, although somebody attends"
    assert record.because.startswith("upgrade.run waits for a person who starts it (1 steps, impact ")
    record = signed(app, record, "upgrade.run", "bob")
    assert yearly.effects == ["upgrade"]
    record = signed(app, record, "drill.run", "bob", "the restore is proven")
    app.begin_item(record.id, "handover.sign", "eve", "")
    record = signed(app, record, "handover.sign", "eve", "done")
    assert (record.status, yearly.effects) == (Status.CHANGED, ["upgrade", "drill"])
    plan, upgrade, *_ = record.tasks
    assert plan.took is not None
    assert plan.took >= 0.3
    said = [(one.by, one.act, one.on) for one in record.remarks if one.act in ("began", "signed")]
    assert said == [
        ("ada", "began", "plan.sign"),
        ("ada", "signed", "plan.sign"),
        ("bob", "signed", "upgrade.run"),
        ("bob", "signed", "drill.run"),
        ("eve", "began", "handover.sign"),
        ("eve", "signed", "handover.sign"),
    ]
    assert upgrade.because == ""


@pytest.mark.covers("SCH-06")
def test_nothing_is_signed_out_of_order_or_before_somebody_has_begun_it(yearly: Shop) -> None:
    app = yearly.open()
    record = begun(app)
    with pytest.raises(Refused, match="nobody has begun it"):
        app.sign(record.id, "plan.sign", "ada", "", yes=True)
    for other in ("upgrade.run", "handover.sign"):
        with pytest.raises(Refused, match="does not wait for that item"):
            app.sign(record.id, other, "ada", "", yes=True)
        with pytest.raises(Refused, match="does not wait for that item"):
            app.begin_item(record.id, other, "ada", "")
    assert yearly.effects == []


@pytest.mark.covers("SCH-06")
def test_an_item_that_is_declined_has_failed_and_the_others_go_on(yearly: Shop) -> None:
    app = yearly.open()
    record = begun(app)
    app.sign(record.id, "plan.sign", "ada", "the owners are away", yes=False)
    record = app.resume(record.id)
    assert (record.task("plan.sign").status, record.status) == (Status.FAILED, Status.WAITING)
    app.sign(record.id, "upgrade.run", "ada", "not this year", yes=False)
    record = app.resume(record.id)
    assert record.task("upgrade.run").because == "declined by ada: not this year"
    assert yearly.effects == []


def test_the_time_for_which_a_person_was_waited_for_is_no_part_of_what_a_task_takes(yearly: Shop) -> None:
    yearly.routines["yearly"]["tasks"] = [{"upgrade.run": {"budget": "1h"}}]
    app = yearly.open()
    record = begun(app)
    time.sleep(1.5)
    took = signed(app, record, "upgrade.run", "ada").task("upgrade.run").took
    assert took is not None
    assert took < 1.4


def test_nobody_is_waited_for_inside_a_bracket(yearly: Shop) -> None:
    for name in ("upgrade", "drill"):
        yearly.change(name)
    yearly.command("shut", undo=["/bin/true"])
    yearly.routines["yearly"]["around"] = ["shut.hold"]
    with pytest.raises(ConfigError, match=r"drill\.run: waits for a person while shut\.hold is in force"):
        yearly.open()
