"""What a person puts in force by hand stays without an owner, and is never forgotten."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events, heartbeat
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.run import RunRecord, Status
from mainstay.model.units import Duration
from mainstay.system import clock
from tests.crash.die import die
from tests.engine.shop import Shop

TIMER = Launch(by="timer", attended=False, scheduled=True)


def gate_and_menu(shop: Shop) -> App:
    shop.change("gate")
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}}
    return shop.open()


def on(app: App, lasts: float = 600) -> RunRecord:
    return app.mode_on("gate", Duration(lasts), "new shelves")


def test_it_stays_in_force_until_the_person_lifts_it(shop: Shop) -> None:
    app = gate_and_menu(shop)
    record = on(app)
    assert (record.status, record.ended, shop.effects) == (Status.WAITING, None, ["gate"])
    assert "new shelves" in record.because
    assert shop.open().sweep() == []
    off = shop.open().mode_off("gate", "ann", "done")
    assert (off.status, off.settled, shop.effects) == (Status.OK, True, ["gate", "ungate"])


def test_its_time_is_over_and_the_settle_timer_lifts_it(shop: Shop) -> None:
    app = gate_and_menu(shop)
    on(app, 0.2)
    assert app.sweep() == []
    time.sleep(0.25)
    assert [one.settled for one in shop.open().sweep()] == [True]
    assert shop.effects == ["gate", "ungate"]


def test_a_check_that_has_become_bad_keeps_it_in_force_beyond_its_time(shop: Shop) -> None:
    shop.change("gate", after=shop.script("! test -e $LOG.broken"))
    app = shop.open()
    on(app, 0.1)
    (shop.folder / "effects.log.broken").touch()
    time.sleep(0.15)
    before = len(list(app.journal.events()))
    swept = shop.open().sweep()
    assert (swept[0].status, shop.effects) == (Status.FAILED, ["gate"])
    assert "stays in force beyond its time: a check fails: gate.check" in swept[0].because
    assert len(list(app.journal.events())) == before  # a timer that finds it each minute fills no journal
    (shop.folder / "effects.log.broken").unlink()
    assert [one.settled for one in shop.open().sweep()] == [True]


def test_a_routine_leaves_it_as_it_is(shop: Shop) -> None:
    app = gate_and_menu(shop)
    on(app)
    record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    assert (record.settled, shop.effects) == (True, ["gate", "menu"])


def test_a_run_that_died_under_it_goes_first(shop: Shop) -> None:
    app = gate_and_menu(shop)
    on(app, 0.1)
    die(shop.folder, events.STEP_STARTED, 1, "run", "daily")
    time.sleep(0.1)
    assert [one.settled for one in shop.open().sweep()] == [True, True]
    assert shop.effects == ["gate", "menu", "ungate"]


def test_a_run_under_it_that_nobody_can_settle_keeps_it(shop: Shop) -> None:
    shop.change("gate")
    shop.command("mail")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["mail.run"]}}
    app = shop.open()
    on(app, 0.1)
    run = die(shop.folder, events.STEP_STARTED, 1, "run", "daily")
    time.sleep(0.1)
    kept = shop.open().sweep()[-1]
    assert f"run {run}, which began under it, is not settled" in kept.because
    assert shop.effects == ["gate"]


def test_it_is_put_in_force_once(shop: Shop) -> None:
    app = gate_and_menu(shop)
    on(app)
    with pytest.raises(Refused, match="in force already"):
        on(app)
    assert shop.effects == ["gate"]


def test_what_could_not_be_put_in_force_is_told_and_lifted(shop: Shop) -> None:
    shop.change("gate", text="echo gate >> $LOG; false")
    record = on(shop.open())
    assert (record.status, record.settled, shop.effects) == (Status.FAILED, True, ["gate", "ungate"])


@pytest.mark.parametrize(("kind", "count"), [(events.STEP_STARTED, 1), (events.STEP_ENDED, 1)])
def test_a_death_before_it_stands_lifts_it(shop: Shop, kind: str, count: int) -> None:
    gate_and_menu(shop)
    die(shop.folder, kind, count, "mode_on", "gate")
    assert shop.open().sweep()[0].settled
    assert shop.effects in ([], ["gate", "ungate"])


def test_a_target_without_a_mode_and_one_with_several_are_told_apart(shop: Shop) -> None:
    shop.targets["cook"] = {"kind": "manual", "text": "Closed?"}
    with pytest.raises(ConfigError, match="none of its tasks stays in force"):
        shop.open().mode_on("cook", Duration(60), "x")


def test_an_unattended_run_puts_nothing_in_force_that_nobody_would_lift(shop: Shop) -> None:
    gate_and_menu(shop)
    shop.routines["daily"]["window"] = "always"
    shop.windows = {"always": {"rule": "daily 00:00", "length": "24h", "max_impact": "downtime"}}
    app = shop.open()
    with pytest.raises(Refused, match="nobody would lift its brackets"):
        app.run("daily", TIMER)
    app.sweep(Duration(60))
    shop.routines["daily"]["tasks"] = [{"menu.run": {"budget": "1m"}}]
    assert shop.open().run("daily", TIMER).settled
    assert shop.effects == ["gate", "menu", "ungate"]


def test_a_sign_of_life_counts_for_twice_the_time_that_it_announced(tmp_path: Path) -> None:
    now = clock.now()
    assert not heartbeat.alive(tmp_path, now)
    heartbeat.beat(tmp_path, now, Duration(60))
    ages = {-60: False, 0: True, 119: True, 121: False}
    assert {age: heartbeat.alive(tmp_path, now + timedelta(seconds=age)) for age in ages} == ages
    (tmp_path / "settled.at").write_text("{")
    assert not heartbeat.alive(tmp_path, now)
