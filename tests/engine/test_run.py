"""The road of a run, told by what commands really did."""

from __future__ import annotations

import pytest

from mainstay.engine.run import Launch
from mainstay.model.errors import Refused
from mainstay.model.run import RunRecord, Status, Verdict
from tests.engine.shop import Shop


def run(shop: Shop, name: str = "daily") -> RunRecord:
    app = shop.open()
    return app.run(name, Launch(by="ann", envelope=app.forecast(name).envelope, how="test"))


def statuses(record: RunRecord) -> dict[str, Status]:
    return {task.id: task.status for task in record.tasks}


def test_tasks_run_in_order_and_the_run_is_settled(shop: Shop) -> None:
    for name in ("first", "second"):
        shop.command(name)
    shop.routines = {"daily": {"tasks": ["first.run", "second.run"]}}
    record = run(shop)
    assert shop.effects == ["first", "second"]
    assert (record.status, record.verdict, record.settled) == (Status.CHANGED, Verdict.PASS, True)


def test_nothing_is_done_when_the_effect_is_in_place(shop: Shop) -> None:
    shop.change("menu")
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    run(shop)
    again = run(shop)
    assert shop.effects == ["menu"]
    assert statuses(again) == {"menu.run": Status.OK}
    assert again.tasks[0].plan is not None
    assert "in place" in str(again.tasks[0].plan.skips[0].because)


@pytest.mark.covers("AUT-06")
def test_a_failure_takes_the_task_back_skips_its_dependents_and_lets_the_others_go_on(shop: Shop) -> None:
    shop.change("menu", after=["/bin/false"])
    shop.command("print")
    shop.command("sweep")
    shop.routines = {"daily": {"tasks": ["menu.run", {"print.run": {"needs": ["menu.run"]}}, "sweep.run"]}}
    record = run(shop)
    assert shop.effects == ["menu", "unmenu", "sweep"]
    assert list(statuses(record).values()) == [Status.FAILED, Status.SKIPPED, Status.CHANGED]
    assert "needs menu.run, which is failed" in record.tasks[1].because
    assert record.verdict is Verdict.FAIL


def test_an_exit_code_that_is_no_success_fails_with_the_code_and_the_output(shop: Shop) -> None:
    shop.command("broken", "echo out of paper; exit 7")
    shop.routines = {"daily": {"tasks": ["broken.run"]}}
    record = run(shop)
    assert "exit code 7" in record.tasks[0].because
    assert record.tasks[0].steps[0].output == "out of paper"


def test_all_or_nothing_takes_back_everything(shop: Shop) -> None:
    shop.change("menu")
    shop.change("price")
    shop.command("broken", "exit 1")
    shop.routines = {"daily": {"all_or_nothing": True, "tasks": ["menu.run", "price.run", "broken.run"]}}
    record = run(shop)
    assert shop.effects == ["menu", "price", "unprice", "unmenu"]
    assert record.settled
    assert list(statuses(record).values()) == [Status.UNDONE, Status.UNDONE, Status.FAILED]


def test_brackets_open_only_for_work_that_needs_them_and_close_before_the_rest(shop: Shop) -> None:
    shop.change("gate")
    shop.command("light", impact="none")
    shop.change("menu")
    shop.command("after", impact="none")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["light.run", "menu.run", "after.run"]}}
    run(shop)
    assert shop.effects == ["light", "gate", "menu", "ungate", "after"]


def test_a_bracket_that_does_not_open_keeps_its_tasks_from_running(shop: Shop) -> None:
    shop.change("gate")
    shop.change("worker", text="exit 3")
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold", "worker.hold"], "tasks": ["menu.run"]}}
    record = run(shop)
    assert shop.effects == ["gate", "unworker", "ungate"]
    assert statuses(record)["menu.run"] is Status.FAILED
    assert "could not be put in force" in record.task("menu.run").because


@pytest.mark.covers("POST-07")
def test_the_outer_bracket_stays_while_a_check_fails_and_opens_when_it_passes(shop: Shop) -> None:
    shop.change("gate")
    shop.change("menu", undo=shop.script("echo unmenu >> $LOG; touch $LOG.broken"))
    shop.targets["shop"] = {
        "kind": "command",
        "argv": ["/bin/true"],
        "after": shop.script("! test -e $LOG.broken && ! grep -q menu $LOG"),
    }
    shop.routines = {"daily": {"around": ["gate.hold"], "checks": ["shop.check"], "tasks": ["menu.run"]}}
    record = run(shop)
    assert shop.effects == ["gate", "menu", "unmenu"]
    assert not record.settled
    assert "gate.hold stays in force" in record.because
    shop.log.write_text("gate\n")
    (shop.folder / "effects.log.broken").unlink()
    resumed = shop.open().resume(record.id)
    assert shop.effects == ["gate", "ungate"]
    assert resumed.settled


def test_an_unsettled_run_keeps_others_from_its_targets(shop: Shop) -> None:
    shop.change("gate", undo=["/bin/false"])
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}, "other": {"tasks": ["menu.run"]}}
    owing = run(shop)
    with pytest.raises(Refused, match=f"not settled.*{owing.id}"):
        run(shop, "other")
    app = shop.open()
    app.settle(owing.id, "ann", "opened by hand")
    assert run(shop, "other").settled


def test_a_failing_check_refuses_the_run_before_anything_is_done(shop: Shop) -> None:
    shop.command("menu")
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": ["/bin/false"]}
    shop.routines = {"daily": {"checks": ["shop.check"], "tasks": ["menu.run"]}}
    with pytest.raises(Refused, match="check of the routine does not pass"):
        run(shop)
    assert shop.effects == []
    refused = shop.open().runs(1)[0]
    assert (refused.status, refused.settled) == (Status.REFUSED, True)


def test_without_consent_work_that_needs_it_is_deferred(shop: Shop) -> None:
    shop.change("menu")
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    record = shop.open().run("daily", Launch(by="ann"))
    assert shop.effects == []
    assert statuses(record) == {"menu.run": Status.DEFERRED}
    assert "nobody consented to: menu.run: run command /bin/sh" in record.tasks[0].because


@pytest.mark.covers("PRE-04")
def test_a_baseline_is_stored_with_the_run_and_compared_at_its_end(shop: Shop) -> None:
    shop.command("menu")
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! grep -q menu $LOG")}
    shop.routines = {"daily": {"tasks": ["menu.run", "shop.check"]}}
    record = run(shop)
    assert record.baseline["shop.check"]["sound"] is True
    assert record.final["shop.check"]["sound"] is False
    assert record.verdict is Verdict.DEGRADED
    assert "shop.check" in record.because


def test_a_critical_finding_of_a_task_makes_the_run_degraded(shop: Shop) -> None:
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": ["/bin/false"]}
    shop.routines = {"daily": {"tasks": ["shop.check"]}}
    record = run(shop)
    assert (record.status, record.verdict) == (Status.OK, Verdict.DEGRADED)
    assert "shop.check" in record.because


def test_a_bug_in_a_kind_is_journaled_pays_what_is_owed_and_is_raised(shop: Shop) -> None:
    shop.change("gate")
    shop.command("menu", impact="downtime", environment={"A=B": "c"})  # no such name can exist: an error that no kind foresees
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}}
    with pytest.raises(ValueError, match="illegal environment"):
        run(shop)
    record = shop.open().runs(1)[0]
    assert shop.effects == ["gate", "ungate"]
    assert "a bug: ValueError" in record.task("menu.run").because
