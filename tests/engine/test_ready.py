"""The readiness of a routine: every reason in one answer, nothing begun, and the answer kept."""

from __future__ import annotations

import pytest

from mainstay.ledger import events
from mainstay.model.because import Level
from mainstay.model.emergency import Severity
from mainstay.people.emergencies import Alarm
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED, open_now


@pytest.fixture
def bakery(shop: Shop) -> Shop:
    shop.change("close")
    shop.routines = {"daily": {"tasks": [{"close.run": {"budget": "10m"}}]}}
    open_now(shop, max_impact="downtime")
    return shop


def judged(shop: Shop) -> dict[tuple[str, Level], str]:
    return {(one.on, one.level): f"{one.because} {one.advice}".strip() for one in shop.open().ready("daily")}


@pytest.mark.covers("PRE-07")
def test_a_routine_that_may_start_is_told_with_what_was_asked(bakery: Shop) -> None:
    found = judged(bakery)
    assert {level for _, level in found} == {Level.OK}
    assert {on for on, _ in found} == {"clock", "earlier runs", "proven copies", "window", "time", "close.run"}
    assert found["time", Level.OK] == "expected, with rollback and buffer 20m <= 1h"
    assert bakery.effects == []


def test_a_look_needs_no_budget(bakery: Shop) -> None:
    bakery.routines["daily"]["tasks"].append("close.check")
    assert judged(bakery)["time", Level.OK] == "expected, with rollback and buffer 20m <= 1h"


@pytest.mark.covers("PRE-07")
def test_every_reason_against_it_is_told_at_once(bakery: Shop) -> None:
    bakery.blackouts = {"feast": {"on": "01-01..12-31"}}
    bakery.targets["web"] = {"kind": "http", "url": "http://127.0.0.1:1/"}
    asked = {"proof": {"of": ["close"], "within": "1h"}, "checks": ["web.check"], "buffer": "30m", "rollback": "10m"}
    bakery.routines["daily"] |= asked
    found = {on for on, level in judged(bakery) if level >= Level.CRITICAL}
    assert found == {"proven copies", "blackout", "web.check"}
    assert bakery.effects == []


def test_an_open_emergency_is_a_no_and_where_copies_go_on_a_warning(bakery: Shop) -> None:
    bakery.open().emergencies.open(Alarm(Severity.S2, "orders fail", "ann"))
    assert judged(bakery)["emergency", Level.CRITICAL].startswith("an emergency is open: EM-")
    bakery.routines["daily"]["tasks"].append("close.check")
    assert "mainstay emergency mode off" in judged(bakery)["emergency", Level.WARNING]


@pytest.mark.covers("PRE-07")
def test_what_a_routine_will_wait_for_is_a_warning(bakery: Shop) -> None:
    bakery.routines["daily"]["tasks"] = [{"close.run": {"budget": "10m", "level": "approve"}}]
    assert judged(bakery)["close.run", Level.WARNING].endswith("it will wait for approval")


def test_a_task_of_which_nobody_knows_how_long_it_takes_is_a_no(bakery: Shop) -> None:
    bakery.routines["daily"]["tasks"] = ["close.run"]
    assert judged(bakery)["time", Level.CRITICAL].startswith("nobody knows how long a task takes")


def test_an_unsettled_run_is_a_no_and_names_the_command(bakery: Shop) -> None:
    bakery.change("close", undo=["/bin/false"])
    bakery.command("stall", "exit 1")
    bakery.routines["daily"] = {
        "all_or_nothing": True,
        "tasks": [{"close.run": {"budget": "5m"}}, {"stall.run": {"budget": "5m"}}],
    }
    record = bakery.open().run("daily", SCHEDULED)
    assert not record.settled
    assert f"mainstay resume {record.id}" in judged(bakery)["earlier runs", Level.CRITICAL]


@pytest.mark.covers("PRE-07")
def test_the_answer_is_in_the_journal(bakery: Shop) -> None:
    app = bakery.open()
    found = app.ready("daily")
    [event] = app.journal.events(kinds=(events.ROUTINE_JUDGED,))
    assert event.body["routine"] == "daily"
    assert len(event.body["findings"]) == len(found)
