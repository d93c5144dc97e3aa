"""The daily and the weekly window: when they open, for how long, for what; what fits, what does not, and what is told of it."""

from __future__ import annotations

import re
import subprocess
from datetime import time, timedelta
from pathlib import Path

import pytest

from mainstay.model.errors import ConfigError
from mainstay.model.plan import Impact
from mainstay.model.run import Status
from mainstay.report import run as reporting
from mainstay.system import clock
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED, open_now
from tests.engine.test_three_years import calendar_of, starts
from tests.serve.served import PROGRAM

DAILY = {"pa-ecosystem": (time(2), 60), "residency-scheduler": (time(2), 60)}
WEEKLY = {
    "pa-ecosystem": (time(3), 150),  # 140 minutes with reviews do not fit the two hours of the document
    "residency-scheduler": (time(2), 240),
    "freeagentics": (time(3), 120),  # its database job is at 04:00, when the hour of the document is over
    "ner11": (time(2), 180),
}
PA_STEPS = {"system": 30, "backup": 30, "config": 20, "speed": 20, "security": 10, "review": 15, "capacity": 15}


@pytest.mark.covers("SCH-02")
@pytest.mark.parametrize("system", DAILY)
def test_the_daily_window_is_an_hour_at_two_every_day_without_a_notice_and_never_for_an_outage(
    system: str, tmp_path: Path
) -> None:
    made, (at, minutes) = calendar_of(system, tmp_path), DAILY[system]
    window = made.site.windows["daily"]
    assert (window.notices, window.max_impact) == ((), Impact.LOAD)
    assert all(task.level == "automatic" for task in made.site.routines["daily"].tasks)
    days = set()
    for one in starts(made):
        if one.routine == "daily" or "daily" in made.site.routines[one.routine].replaces:
            days.add(one.slot.start.astimezone(made.zone).date())
        if one.routine == "daily":
            begins = one.slot.start.astimezone(made.zone)
            assert one.slot.end - one.slot.start == timedelta(minutes=minutes)
            assert begins.time() == at or (begins.utcoffset() != (begins - timedelta(hours=2)).utcoffset())
    assert len(days) == 365 + 366 + 365, "Saturdays too"


@pytest.mark.covers("SCH-02")
def test_a_daily_step_that_does_not_fit_is_not_started_and_is_reported_as_deferred(shop: Shop) -> None:
    for name in ("rotate", "purge", "grow", "look"):
        shop.command(name, impact="load")
    steps = {"rotate": "10m", "purge": "5m", "grow": "15m", "look": "1m"}
    shop.routines = {"daily": {"buffer": "30m", "tasks": [{f"{name}.run": {"budget": budget}} for name, budget in steps.items()]}}
    shop.windows = {"daily": {"rule": "daily 02:00", "length": "65m"}}
    shop.open()  # by its budgets it fits
    open_now(shop, "60m")
    shop.routines["daily"]["buffer"] = "29m"
    record = shop.open().run("daily", SCHEDULED)
    assert shop.effects == ["rotate", "purge", "look"]
    grow = record.task("grow.run")
    assert (grow.status, grow.steps) == (Status.DEFERRED, ())
    assert re.match(r"time needed 59m > 5[89]m", grow.because)
    told = {one.task: one.why for one in reporting.build(record, [], clock.now()).left}
    assert told["grow.run"] == grow.because


@pytest.mark.covers("SCH-03")
@pytest.mark.parametrize("system", WEEKLY)
def test_the_weekly_window_opens_on_sunday_at_the_time_and_in_the_zone_of_its_system(system: str, tmp_path: Path) -> None:
    made, (at, minutes) = calendar_of(system, tmp_path), WEEKLY[system]
    found = [one.slot for one in starts(made) if one.routine == "weekly"]
    assert len(found) > 100
    for slot in found:
        begins = slot.start.astimezone(made.zone)
        assert begins.weekday() == 6
        assert slot.end - slot.start == timedelta(minutes=minutes)
        assert begins.time() == at or begins.utcoffset() != (begins - timedelta(hours=2)).utcoffset()
    assert made.zone.key == {"residency-scheduler": "America/New_York", "ner11": "Europe/Berlin"}.get(system, "UTC")


def weekly(shop: Shop, length: str) -> None:
    for name in PA_STEPS:
        shop.command(name, impact="load")
    tasks = [{f"{name}.run": {"budget": f"{minutes}m", "level": "review"}} for name, minutes in PA_STEPS.items()]
    shop.routines = {"weekly": {"tasks": tasks}}
    shop.windows = {"weekly": {"rule": "sunday 03:00", "length": length}}


@pytest.mark.covers("SCH-03")
def test_a_weekly_plan_that_cannot_fit_is_refused_with_line_and_minutes(shop: Shop) -> None:
    weekly(shop, "2h")
    told = r"yaml:\d+: routines\.weekly: needs 2h20m \(system\.run 30m \+ .*lasts 2h .*lower budgets by 20m"
    with pytest.raises(ConfigError, match=told):
        shop.open()
    shop.windows["weekly"]["length"] = "150m"
    assert shop.open()


@pytest.mark.covers("SCH-03")
def test_the_planner_shows_what_is_expected_against_what_there_is(shop: Shop) -> None:
    weekly(shop, "150m")
    shop.open()
    words = [*PROGRAM, "--config", str(shop.folder / "mainstay.yaml"), "windows", "--days", "8"]
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    assert re.search(r"Sun .* 03:00 +2h30m +weekly +4h40m .*too short: 4h40m", told)
    for name in PA_STEPS:
        remembered(shop, f"{name}.run", 60.0)
    told = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
    assert re.search(r"03:00 +2h30m +weekly +7m ", told), "five runs tell better than budgets"


def remembered(shop: Shop, task: str, took: float) -> None:
    """Write into the journal that a task took so long, five times."""
    app = shop.open()
    body = f'{{"status": "changed", "because": "", "findings": [], "took": {took}}}'
    first = app.journal._connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0]
    for number in range(first + 1, first + 6):
        row = (number, "2026-01-01T00:00:00+00:00", "task.ended", "r", task, body)
        app.journal._connection.execute("INSERT INTO event (seq, at, kind, run, task, body, hash) VALUES (?,?,?,?,?,?,'')", row)
