"""Work that people notice, outside of the slots that allow it: refused to whoever starts it by hand, emergencies aside."""

from __future__ import annotations

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.errors import Refused
from mainstay.model.run import Override, RunRecord, Status
from tests.engine.shop import Shop
from tests.engine.test_gate import open_now
from tests.people.test_emergencies import ALARM


@pytest.fixture
def weekdays(shop: Shop) -> Shop:
    """Nothing that people notice is done by hand outside of a slot."""
    shop.change("upgrade")
    shop.command("look", impact="none")
    shop.command("tune", impact="load")
    shop.routines = {"daily": {"tasks": [{"tune.run": {"budget": "1m"}}]}, "fix": {"tasks": ["upgrade.run"]}}
    shop.windows = {"daily": {"rule": "yearly 01-01 03:00", "length": "1h"}}
    shop.more = {"outside_windows": "load"}
    return shop


def by_hand(app: App, what: str, emergency: Override | None = None) -> RunRecord:
    return app.run(what, Launch(by="ada", envelope=app.forecast(what).envelope, how="--yes", emergency=emergency))


@pytest.mark.covers("SCH-16")
def test_a_disruptive_step_is_refused_outside_of_every_window_that_allows_it(weekdays: Shop) -> None:
    why = "impact outside of every slot that allows it downtime > outside_windows load"
    with pytest.raises(Refused, match=why):
        by_hand(weekdays.open(), "fix")
    open_now(weekdays, max_impact="load")
    with pytest.raises(Refused, match=why):
        by_hand(weekdays.open(), "fix")
    assert weekdays.effects == [], "a slot that allows less is none"


@pytest.mark.covers("SCH-16")
def test_of_a_routine_that_turns_out_harder_than_it_looked_the_step_is_deferred(weekdays: Shop) -> None:
    app = weekdays.open()
    record = app.run("fix", Launch(by="ada"))
    assert record.task("upgrade.run").status is Status.DEFERRED
    assert "outside of every slot" in record.task("upgrade.run").because


@pytest.mark.covers("SCH-16")
def test_in_a_slot_that_allows_it_and_in_an_emergency_it_is_done(weekdays: Shop) -> None:
    record = by_hand(weekdays.open(), "fix", Override("A. Nyström", "CVE-2026-1234"))
    assert (record.status, weekdays.effects) == (Status.CHANGED, ["upgrade"])
    assert [(one.by, one.text) for one in record.remarks][:1] == [("A. Nyström", "CVE-2026-1234")]
    weekdays.log.write_text("")
    open_now(weekdays, max_impact="downtime")
    assert by_hand(weekdays.open(), "fix").status is Status.CHANGED


@pytest.mark.covers("SCH-16")
def test_work_as_needed_is_logged_as_any_other_run(weekdays: Shop) -> None:
    app = weekdays.open()
    by_hand(app, "look.run")
    by_hand(app, "tune.run")
    with pytest.raises(Refused):
        by_hand(app, "upgrade.run")
    assert weekdays.effects == ["look", "tune"]
    listed = [(run.routine, run.launched_by, run.status, run.attended) for run in app.runs(10)]
    assert listed == [
        ("upgrade.run", "ada", Status.REFUSED, True),
        ("tune.run", "ada", Status.CHANGED, True),
        ("look.run", "ada", Status.CHANGED, True),
    ]


def test_while_an_emergency_is_open_it_is_done_too(weekdays: Shop) -> None:
    app = weekdays.open()
    app.emergencies.open(ALARM)
    assert by_hand(app, "fix").status is Status.CHANGED


def test_where_nothing_is_said_a_person_may_do_anything(weekdays: Shop) -> None:
    weekdays.more = {}
    assert by_hand(weekdays.open(), "fix").status is Status.CHANGED
