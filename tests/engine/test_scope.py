"""How far a run reaches: one scope, consent, brackets only for work that is really done, budgets, cancel."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstay.engine import gate
from mainstay.engine.drive import owned
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.errors import Refused
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.model.task import Lock
from mainstay.model.units import Duration
from mainstay.system import clock, locks
from tests.crash.die import die
from tests.engine.shop import Shop

TIMER = Launch(by="timer", attended=False, scheduled=True)


def run(shop: Shop, name: str = "daily") -> RunRecord:
    app = shop.open()
    return app.run(name, Launch(by="ann", envelope=app.forecast(name).envelope, how="test"))


def open_now(shop: Shop, **window: str) -> None:
    began = clock.now().astimezone(ZoneInfo("Europe/Berlin")) - timedelta(minutes=1)
    shop.windows = {"daily": {"rule": f"daily {began:%H:%M}", "length": "1h", **window}}


def cancelled_at(shop: Shop, effect: str) -> RunRecord:
    """Run the routine and cancel it as soon as an effect is seen."""
    app, result = shop.open(), list[RunRecord]()
    how = Launch(by="ann", envelope=app.forecast("daily").envelope)
    owner = threading.Thread(target=lambda: result.append(app.run("daily", how)))
    owner.start()
    other = shop.open()
    while effect not in shop.effects:
        time.sleep(0.02)
    other.cancel(other.runs(1)[0].id, "bob", "enough")
    owner.join(30)
    return result[0]


def test_cancelling_a_run_of_one_scope_takes_all_of_it_back(shop: Shop) -> None:
    shop.change("menu")
    shop.change("slow", text="echo slow >> $LOG; sleep 60")
    shop.change("later")
    shop.routines = {"daily": {"all_or_nothing": True, "tasks": ["menu.run", "slow.run", "later.run"]}}
    record = cancelled_at(shop, "slow")
    assert shop.effects == ["menu", "slow", "unslow", "unmenu"]
    assert (record.status, record.settled) == (Status.CANCELLED, True)


def test_a_declined_item_takes_a_run_of_one_scope_back(shop: Shop) -> None:
    shop.change("menu")
    shop.targets["cook"] = {"kind": "manual", "text": "Closed?"}
    shop.change("price")
    shop.routines = {"daily": {"all_or_nothing": True, "tasks": ["menu.run", "cook.sign", "price.run"]}}
    waiting = run(shop)
    app = shop.open()
    app.sign(waiting.id, "cook.sign", "bob", "no", yes=False)
    app.resume(waiting.id)
    assert shop.effects == ["menu", "unmenu"]


def test_a_deferred_task_takes_a_run_of_one_scope_back(shop: Shop) -> None:
    shop.change("menu")
    shop.change("price", text="exit 75", deferred_codes=[75])
    shop.change("later")
    shop.routines = {"daily": {"all_or_nothing": True, "tasks": ["menu.run", "price.run", "later.run"]}}
    record = run(shop)
    assert shop.effects == ["menu", "unmenu"]
    assert record.task("price.run").status is Status.DEFERRED
    assert record.task("later.run").status is Status.SKIPPED


def test_a_run_of_one_scope_that_does_not_get_its_locks_is_refused_and_over(shop: Shop) -> None:
    shop.change("menu")
    shop.routines = {"daily": {"all_or_nothing": True, "tasks": ["menu.run"]}}
    app = shop.open()
    busy = locks.acquire(app.context.locks, Lock("command:menu"), "somebody else")
    with pytest.raises(Refused, match="somebody else"):
        run(shop)
    busy.release()
    assert app.runs(1)[0].settled
    assert run(shop).status is Status.CHANGED


def test_no_bracket_opens_for_work_that_nobody_consented_to(shop: Shop) -> None:
    shop.change("gate")
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}}
    record = shop.open().run("daily", Launch(by="ann"))
    assert shop.effects == []
    assert record.task("menu.run").status is Status.DEFERRED


def test_no_bracket_opens_for_work_that_does_not_fit_its_window(shop: Shop) -> None:
    shop.change("gate")
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": [{"menu.run": {"budget": "40m"}}]}}
    open_now(shop, max_impact="downtime")
    shop.open().sweep(Duration(60))
    record = shop.open().run("daily", TIMER)
    assert shop.effects == []
    assert "time needed 1h20m" in record.task("menu.run").because


def test_unattended_and_without_a_window_only_what_nobody_notices_is_done(shop: Shop) -> None:
    shop.command("light", impact="none")
    shop.command("heavy")
    shop.routines = {"other": {"tasks": ["light.run", "heavy.run"]}}
    record = shop.open().run("other", Launch(by="timer", attended=False))
    assert shop.effects == ["light"]
    assert record.task("heavy.run").status is Status.DEFERRED


@pytest.mark.parametrize(("minutes", "done"), [(5.0, ["menu"]), (0.1, [])])
def test_a_plan_beyond_a_stated_ceiling_is_outside_of_the_consent(shop: Shop, minutes: float, done: list[str]) -> None:
    shop.change("menu", timeout="4m")
    shop.change("price", timeout="4m")
    shop.routines = {"daily": {"tasks": ["menu.run", "price.run"]}}
    app = shop.open()
    asked = app.forecast("daily").envelope
    assert asked is not None
    record = app.run("daily", Launch(by="ann", envelope=replace(asked, minutes=minutes)))
    assert shop.effects == done
    assert "minutes in all" in record.task("price.run").because


def test_a_check_that_turns_the_run_before_a_sign_off_asks_nobody(shop: Shop) -> None:
    shop.change("gate")
    shop.change("menu")
    shop.targets["cook"] = {"kind": "manual", "text": "Closed?"}
    holds = '! test "$(grep -xE "(un)?menu" $LOG | tail -n 1)" = menu'
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script(holds)}
    shop.routines = {"daily": {"around": ["gate.hold"], "checks": ["shop.check"], "tasks": ["menu.run", "cook.sign"]}}
    record = run(shop)
    assert shop.effects[:3] == ["gate", "menu", "unmenu"]
    assert record.status is Status.FAILED
    assert record.task("cook.sign").status is Status.SKIPPED


def test_a_cancelled_run_ends_even_if_a_gate_would_not_let_it_go_on(shop: Shop) -> None:
    shop.targets["cook"] = {"kind": "manual", "text": "Closed?"}
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.broken")}
    shop.routines = {"daily": {"checks": ["shop.check"], "tasks": ["cook.sign"]}}
    waiting = run(shop)
    (shop.folder / "effects.log.broken").touch()
    app = shop.open()
    app.cancel(waiting.id, "bob", "enough")
    assert app.resume(waiting.id).task("cook.sign").status is Status.CANCELLED


def test_cancel_while_a_bracket_opens_lifts_it_and_is_no_failure(shop: Shop) -> None:
    shop.change("gate", text="echo gate >> $LOG; sleep 60")
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}}
    record = cancelled_at(shop, "gate")
    assert shop.effects == ["gate", "ungate"]
    assert record.task("menu.run").status is Status.CANCELLED
    assert record.settled


def test_an_undo_is_not_cancelled(shop: Shop) -> None:
    shop.change("menu", after=["/bin/false"], undo=shop.script("echo undoing >> $LOG; sleep 2; echo unmenu >> $LOG"))
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    record = cancelled_at(shop, "undoing")
    assert shop.effects == ["menu", "undoing", "unmenu"]
    assert record.settled


@pytest.mark.parametrize("kind", [events.RUN_STARTED, events.OCCURRENCE_CLAIMED, events.RUN_ADOPTED])
def test_a_scheduled_run_that_died_before_it_began_is_not_lost(shop: Shop, kind: str) -> None:
    shop.command("menu")
    shop.routines = {"daily": {"tasks": [{"menu.run": {"budget": "1m"}}]}}
    open_now(shop)
    shop.open()
    die(shop.folder, kind, 1, "schedule", "daily")
    swept = shop.open().sweep()
    if swept[0].status is Status.CANCELLED:  # it had not claimed its occurrence
        shop.open().run("daily", TIMER)
    assert shop.effects == ["menu"]


def test_a_scheduled_run_that_a_gate_refused_may_be_launched_again_in_its_slot(shop: Shop) -> None:
    shop.command("menu")
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.broken")}
    shop.routines = {"daily": {"checks": ["shop.check"], "tasks": [{"menu.run": {"budget": "1m"}}]}}
    open_now(shop)
    broken = shop.folder / "effects.log.broken"
    broken.touch()
    with pytest.raises(Refused, match="does not pass"):
        shop.open().run("daily", TIMER)
    broken.unlink()
    record = shop.open().run("daily", TIMER)
    assert (shop.effects, record.verdict) == (["menu"], Verdict.PASS)
    assert record.occurrence.startswith("daily@")


def test_a_need_that_came_into_the_configuration_later_skips_its_task(shop: Shop) -> None:
    shop.command("menu")
    shop.targets["cook"] = {"kind": "manual", "text": "Closed?"}
    shop.routines = {"daily": {"tasks": ["cook.sign", "menu.run"]}}
    waiting = run(shop)
    shop.command("new")
    shop.routines = {"daily": {"tasks": ["cook.sign", "new.run", {"menu.run": {"needs": ["new.run"]}}]}}
    app = shop.open()
    app.sign(waiting.id, "cook.sign", "bob", "", yes=True)
    assert "needs new.run, which is no part of this run" in app.resume(waiting.id).task("menu.run").because


def test_the_time_between_a_crash_and_its_recovery_uses_no_budget(shop: Shop) -> None:
    shop.change("menu")
    shop.routines = {"daily": {"tasks": [{"menu.run": {"budget": "2s"}}]}}
    shop.open()
    id = die(shop.folder, events.TASK_PLANNED, 1, "run", "daily")
    app = shop.open()
    app.journal._connection.execute("DROP TRIGGER event_keep_row")
    body = "json_set(body, '$.began', '2026-01-01T00:00:00+00:00')"
    app.journal._connection.execute(f"UPDATE event SET body = {body} WHERE kind = 'task.planned'")
    assert app.resume(id).task("menu.run").status is Status.CHANGED


def test_looking_whether_an_owner_lives_never_makes_a_resume_fail(shop: Shop) -> None:
    shop.command("menu")
    app = shop.open()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            gate.alive(app.context, "some-run")
            time.sleep(0.001)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(300):
            with owned(app.context, "some-run"):
                pass
    finally:
        over.set()
        looking.join()


def test_a_run_of_a_single_task_is_checked_after_it_was_resumed(shop: Shop) -> None:
    shop.change("menu", after=shop.script("true"))
    shop.open()
    id = die(shop.folder, events.STEP_STARTED, 1, "run", "menu.run")
    assert "menu.check" in shop.open().resume(id).final
