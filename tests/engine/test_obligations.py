"""What is owed stays owed until it is paid, and not a moment longer."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine import owed
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.errors import Refused, StepFailed
from mainstay.model.run import RunRecord, Status
from mainstay.model.task import Lock
from mainstay.system import locks
from tests.crash.die import die
from tests.engine.shop import Shop


def run(shop: Shop, name: str = "daily") -> RunRecord:
    app = shop.open()
    return app.run(name, Launch(by="ann", envelope=app.forecast(name).envelope, how="test"))


def two_changes(shop: Shop, **routine: object) -> None:
    shop.change("menu")
    shop.change("price")
    shop.routines = {"daily": {"tasks": ["menu.run", "price.run"], **routine}}


def events_of(app: App) -> int:
    return len(list(app.journal.events()))


def test_a_bracket_whose_lifting_failed_once_is_paid_when_it_is_lifted_later(shop: Shop) -> None:
    shop.change("gate", undo=shop.script("test -e $LOG.open && echo ungate >> $LOG"))
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}}
    owing = run(shop)
    assert not owing.settled
    (shop.folder / "effects.log.open").touch()
    assert shop.open().resume(owing.id).settled
    assert shop.effects == ["gate", "menu", "ungate"]


def test_a_person_who_rolls_back_again_has_a_failed_undo_tried_again(shop: Shop) -> None:
    shop.change("menu", undo=shop.script("test -e $LOG.open && echo unmenu >> $LOG"))
    shop.routines = {"daily": {"watch": "1h", "tasks": ["menu.run"]}}
    record = run(shop)
    assert "taking back menu.run run failed" in shop.open().roll_back(record.id).because
    (shop.folder / "effects.log.open").touch()
    assert shop.open().resume(record.id).settled is False  # nobody asked for another try
    assert shop.open().roll_back(record.id).settled
    assert shop.effects == ["menu", "unmenu"]


def test_an_undo_that_cannot_even_look_is_owed(shop: Shop) -> None:
    asks = shop.folder / "asks"
    shop.change("menu", done=[str(asks)], text=f"echo menu >> $LOG; rm {asks}", after=["/bin/false"])
    asks.write_text(f"#!/bin/sh\ngrep -qx menu {shop.log}\n")
    asks.chmod(0o755)
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    record = run(shop)
    assert not record.settled
    assert "taking back" in record.task("menu.run").because
    assert owed.reason(record)


def test_a_rollback_that_was_killed_is_finished_by_the_settle_timer(shop: Shop) -> None:
    two_changes(shop, watch="1h")
    record = run(shop)
    shop.open()
    die(shop.folder, events.STEP_ENDED, 1, "roll_back", record.id)
    assert shop.effects == ["menu", "price", "unprice"]
    swept = shop.open().sweep()
    assert shop.effects == ["menu", "price", "unprice", "unmenu"]
    assert [one.status for one in swept[0].tasks] == [Status.UNDONE, Status.UNDONE]


def test_changes_are_taken_back_newest_first_even_when_the_clock_was_set_back_between_them(shop: Shop) -> None:
    two_changes(shop, watch="1h")
    record = run(shop)
    app = shop.open()
    app.journal._connection.execute("DROP TRIGGER event_keep_row")
    app.journal._connection.execute(
        "UPDATE event SET at = '2020-01-01T00:00:00+00:00' WHERE task = 'price.run' AND kind = 'step.started'"
    )
    app.roll_back(record.id)
    assert shop.effects == ["menu", "price", "unprice", "unmenu"]


def test_one_run_that_cannot_go_on_does_not_keep_the_settle_timer_from_the_others(shop: Shop) -> None:
    two_changes(shop)
    shop.routines = {"second": {"tasks": ["price.run"]}}
    shop.targets["cook"] = {"kind": "manual", "text": "Closed?"}
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.broken")}
    shop.routines["first"] = {"checks": ["shop.check"], "tasks": [{"cook.sign": {"expires": "50ms"}}, "menu.run"]}
    shop.open()
    waiting = run(shop, "first")
    die(shop.folder, events.STEP_STARTED, 1, "run", "second")
    (shop.folder / "effects.log.broken").touch()
    time.sleep(0.1)
    swept = shop.open().sweep()
    assert [(one.id == waiting.id, one.status) for one in swept] == [(True, Status.WAITING), (False, Status.CHANGED)]
    assert "check of the routine does not pass" in swept[0].because
    assert shop.effects == ["price"]


def test_the_settle_timer_writes_nothing_about_a_run_that_only_a_person_can_settle(shop: Shop) -> None:
    shop.command("mail")
    shop.routines = {"daily": {"tasks": ["mail.run"]}}
    shop.open()
    die(shop.folder, events.STEP_STARTED, 1, "run", "daily")
    app = shop.open()
    assert [one.status for one in app.sweep()] == [Status.UNKNOWN]
    before = events_of(app)
    assert app.sweep() == []
    assert events_of(app) == before


def test_a_step_that_could_not_be_looked_at_after_a_crash_is_looked_at_again(shop: Shop) -> None:
    asks = shop.folder / "asks"
    shop.change("menu", done=[str(asks)])
    asks.write_text(f"#!/bin/sh\ngrep -qx menu {shop.log}\n")
    asks.chmod(0o755)
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    shop.open()
    id = die(shop.folder, events.STEP_STARTED, 1, "run", "daily")
    asks.rename(shop.folder / "away")
    assert shop.open().resume(id).status is Status.UNKNOWN
    (shop.folder / "away").rename(asks)
    again = shop.open().resume(id)
    assert (again.status, again.settled) == (Status.CHANGED, True)
    assert shop.effects == ["menu"]


def test_a_target_that_left_the_configuration_keeps_its_half_done_run_open(shop: Shop) -> None:
    two_changes(shop, all_or_nothing=True)
    shop.open()
    id = die(shop.folder, events.TASK_ENDED, 1, "run", "daily")
    away = shop.targets.pop("menu")
    shop.routines = {"daily": {"tasks": ["price.run"]}}
    shop.open().roll_back(id)
    record = shop.open().run_record(id)
    assert not record.settled
    assert "no longer in the configuration" in record.because
    shop.targets["menu"] = away
    assert shop.open().resume(id).settled
    assert shop.effects == ["menu", "unmenu"]


def test_a_bracket_that_somebody_else_has_in_force_is_left_in_force(shop: Shop) -> None:
    shop.change("gate")
    shop.change("menu")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["menu.run"]}}
    app = shop.open()
    shop.log.write_text("gate\n")
    record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
    assert shop.effects == ["gate", "menu"]
    assert record.task("gate.hold").status is Status.OK
    assert record.settled


def test_a_run_that_ended_without_a_watch_is_settled_though_a_check_fails_by_now(shop: Shop) -> None:
    two_changes(shop)
    shop.targets["shop"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script("! test -e $LOG.broken")}
    shop.routines["daily"]["checks"] = ["shop.check"]
    shop.open()
    die(shop.folder, events.RUN_ENDED, 1, "run", "daily")
    (shop.folder / "effects.log.broken").touch()
    assert [one.settled for one in shop.open().sweep()] == [True]


def test_a_lock_that_is_busy_leaves_no_other_lock_behind_when_a_resume_is_refused(shop: Shop) -> None:
    for name in ("gate", "worker", "menu"):
        shop.change(name)
    shop.routines = {"daily": {"around": ["gate.hold", "worker.hold"], "tasks": ["menu.run"]}}
    shop.open()
    id = die(shop.folder, events.STEP_STARTED, 3, "run", "daily")
    app = shop.open()
    busy = locks.acquire(app.context.locks, Lock("command:worker"), "somebody else")
    with pytest.raises(Refused, match="somebody else"):
        app.resume(id)
    locks.acquire(app.context.locks, Lock("command:gate"), "me").release()
    busy.release()
    assert app.resume(id).settled


class Full(Journal):
    """A journal whose disk is full for the first write of a kind."""

    def __init__(self, state: Path, kind: str) -> None:
        super().__init__(state)
        self.kind = kind

    def append(self, kind: str, body: dict[str, Any], *, run: str = "", task: str = "", fence: int = 0) -> Event:
        """Fail once, by asking SQLite for more pages than it may have."""
        if kind != self.kind:
            return super().append(kind, body, run=run, task=task, fence=fence)
        self.kind = ""
        pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
        self._connection.execute(f"PRAGMA max_page_count = {pages}")
        try:
            return super().append(kind, {**body, "ballast": "x" * 100_000}, run=run, task=task, fence=fence)
        finally:
            self._connection.execute("PRAGMA max_page_count = 1000000")


FULL = [events.STEP_STARTED, events.STEP_ENDED, events.TASK_ENDED, events.TASK_PLANNED, events.RUN_FINAL, events.RUN_ENDED]


@pytest.mark.parametrize("kind", FULL)
@pytest.mark.parametrize("around", [[], ["gate.hold"]], ids=["bare", "in a bracket"])
def test_a_disk_that_is_full_for_one_write_leaves_nothing_owed_in_the_end(shop: Shop, kind: str, around: list[str]) -> None:
    shop.change("gate")
    two_changes(shop, around=around)
    app = shop.open()
    envelope = app.forecast("daily").envelope
    app.__dict__["context"] = replace(app.context, journal=Full(app.site.state, kind))
    with suppress(StepFailed):
        app.run("daily", Launch(by="ann", envelope=envelope))
    last = [*shop.open().sweep(), *shop.open().runs(1)][-1]
    assert last.settled
    counts = Counter(shop.effects)
    assert counts["gate"] == counts["ungate"]
    for task, name in (("menu.run", "menu"), ("price.run", "price")):
        assert counts[name] - counts[f"un{name}"] == (last.task(task).status is Status.CHANGED)


def test_a_half_done_task_that_cannot_be_reached_after_a_crash_stays_open(shop: Shop, tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("secret")
    word.chmod(0o600)
    shop.change("menu", environment={"WORD": {"file": str(word)}}, after=["/bin/false"])
    shop.routines = {"daily": {"tasks": ["menu.run"]}}
    shop.open()
    die(shop.folder, events.STEP_ENDED, 1, "run", "daily")
    word.rename(tmp_path / "away")
    assert not shop.open().sweep()[0].settled
    (tmp_path / "away").rename(word)
    for _ in range(2):
        shop.open().sweep()
    assert shop.effects == ["menu", "unmenu"]
    assert shop.open().runs(1)[0].settled
