"""Every reason not to start."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.errors import Refused
from mainstay.model.run import Status
from mainstay.system import clock
from tests.engine.shop import Shop

SCHEDULED = Launch(by="timer", attended=False, scheduled=True)


def open_now(shop: Shop, length: str = "1h", **window: str) -> None:
    began = clock.now().astimezone(ZoneInfo("Europe/Berlin")) - timedelta(minutes=1)
    shop.windows = {"daily": {"rule": f"daily {began:%H:%M}", "length": length, **window}}


@pytest.mark.covers("SCH-13")
def test_an_occurrence_runs_once_however_often_it_is_launched(shop: Shop) -> None:
    shop.command("menu")
    shop.routines = {"daily": {"tasks": [{"menu.run": {"budget": "1m"}}]}}
    open_now(shop)
    assert shop.open().run("daily", SCHEDULED).status is Status.CHANGED
    with pytest.raises(Refused, match="claimed before"):
        shop.open().run("daily", SCHEDULED)
    assert shop.effects == ["menu"]


def test_outside_of_its_window_nothing_starts_and_the_next_slot_is_named(shop: Shop) -> None:
    shop.command("menu")
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    later = clock.now().astimezone(ZoneInfo("Europe/Berlin")) + timedelta(hours=3)
    shop.windows = {"daily": {"rule": f"daily {later:%H:%M}", "length": "1h"}}
    with pytest.raises(Refused, match=f"next slot begins .* {later:%H:%M}"):
        shop.open().run("daily", SCHEDULED)


@pytest.mark.covers("SCH-13")
def test_on_a_day_when_the_monthly_run_replaces_it_the_weekly_one_is_left_out(shop: Shop) -> None:
    shop.command("menu")
    shop.routines = {
        "daily": {"tasks": ["menu.run"]},
        "monthly": {"tasks": ["menu.run"], "replaces": ["daily"], "window": "monthly"},
    }
    open_now(shop)
    today = datetime.now(ZoneInfo("Europe/Berlin"))
    shop.windows["monthly"] = {"rule": f"day {today.day} 23:59", "length": "1m"}
    with pytest.raises(Refused, match="monthly replaces daily"):
        shop.open().run("daily", SCHEDULED)


@pytest.mark.covers("SCH-10")
def test_what_does_not_fit_before_the_window_closes_is_deferred(shop: Shop) -> None:
    shop.command("menu")
    shop.command("quick")
    shop.routines = {"daily": {"tasks": [{"menu.run": {"budget": "40m"}}, {"quick.run": {"budget": "5m"}}]}}
    open_now(shop, "1h")
    record = shop.open().run("daily", SCHEDULED)
    assert shop.effects == ["quick"]
    assert "time needed 1h20m > 5" in record.task("menu.run").because


def test_without_history_and_budget_only_what_nobody_notices_starts_unattended(shop: Shop) -> None:
    shop.command("heavy")
    shop.command("light", impact="none")
    shop.routines = {"daily": {"tasks": ["heavy.run", "light.run"]}}
    open_now(shop)
    record = shop.open().run("daily", SCHEDULED)
    assert shop.effects == ["light"]
    assert "without history and budget" in record.task("heavy.run").because


def test_five_runs_make_a_forecast_from_this_targets_own_history(shop: Shop) -> None:
    shop.command("menu")
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    app = shop.open()
    for _ in range(5):
        app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    expected = app.forecast("daily").tasks[0].forecast
    assert expected is not None
    assert 0 < expected < 5


@pytest.mark.covers("SCH-10")
def test_a_budget_that_is_used_up_stops_before_the_next_step(shop: Shop) -> None:
    shop.command("menu", "sleep 0.3")
    shop.routines = {"daily": {"tasks": [{"menu.run": {"budget": "100ms"}}]}}
    app = shop.open()
    record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    assert record.tasks[0].took is not None
    assert record.tasks[0].took > 0.1


def test_a_clock_that_runs_backwards_starts_nothing(shop: Shop) -> None:
    shop.command("menu")
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    app = shop.open()
    journal = app.journal
    journal._connection.execute(
        "INSERT INTO event (seq, at, kind, body, hash) VALUES (1, '2099-01-01T00:00:00+00:00', 'test.event', '{}', '')"
    )
    with pytest.raises(Refused, match="clock runs backwards"):
        app.run("daily", Launch(by="ann"))


def test_a_routine_that_asks_for_a_proof_is_refused_until_there_is_a_young_one(shop: Shop) -> None:
    shop.command("menu")
    shop.routines = {"daily": {"tasks": ["menu.run"], "proof": {"of": ["menu"], "within": "8d"}}}
    app = shop.open()
    with pytest.raises(Refused, match="no copy of it was ever proven"):
        app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    ended = {"step": "prove", "status": "changed", "because": "", "after": None, "output": "", "proves": ["menu"]}
    app.journal.append(events.STEP_ENDED, ended, run="20260101T000000-x-0000", task="safe.prove")
    assert app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope)).status is Status.CHANGED
