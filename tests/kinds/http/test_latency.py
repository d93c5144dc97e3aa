"""Whether answers take longer after a run than before it: real requests, a real run, its report."""

from __future__ import annotations

import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.cli.reports import Asked, written
from mainstay.engine.run import Launch
from mainstay.kinds.http.latency import MEDIAN, SLOW, Pace, pace, usual, worsened
from mainstay.kinds.http.settings import Latency
from mainstay.model.figure import Figure
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.model.units import Duration
from tests.engine.shop import Shop
from tests.servers import Handler, Site

NOW = datetime(2026, 11, 28, 2, 10, tzinfo=UTC)
RULE = {"samples": 5, "warm_up": 1, "at_least": "300ms"}
CALM = {**RULE, "at_least": "20s"}  # a busy machine alone makes no request so much slower


def deployed(shop: Shop, site: Site, text: str, checks: str = "looks", rule: dict[str, Any] = CALM) -> tuple[App, RunRecord]:
    """Run a change beside a service that becomes slow when a file `slow` is there."""

    def answer(handler: Handler) -> None:
        time.sleep(0.5 if (shop.folder / "slow").exists() else 0)
        handler.answer(200, b"fine")

    site.pages["/health"] = answer
    shop.targets["api"] = {"kind": "http", "url": site.base + "/health", "latency": rule}
    shop.change("deploy", argv=shop.script(f"echo deploy >> $LOG; {text}"))
    shop.routines = {"daily": {"tasks": ["deploy.run"], checks: ["api.check"]}}
    app = shop.open()
    return app, app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope, how="test"))


def test_the_runbook_s_measurement_is_an_empty_text() -> None:
    script = 'RESPONSE_TIME=$(time sleep 0.2 > /dev/null 2>&1); echo "API response time: ${RESPONSE_TIME}s"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "API response time: s\n"
    assert "real" in done.stderr, "the keyword writes to the shell's own errors"


@pytest.mark.covers("POST-05")
@pytest.mark.parametrize("checks", ["looks", "checks"])
def test_answers_that_take_longer_than_before_the_run_make_it_degraded(tmp_path: Path, site: Site, checks: str) -> None:
    shop = Shop(tmp_path)
    app, record = deployed(shop, site, f"touch {tmp_path}/slow", checks, RULE)
    assert (record.status, record.verdict) == (Status.CHANGED, Verdict.DEGRADED)
    assert re.match(r"api.check: /health: answer_p50 [0-9.]+m?s > latency.factor [0-9.]+m?s \(default\)", record.because)
    assert shop.effects == ["deploy"], "a slow answer takes nothing back by itself"
    check = next(one for one in record.checks if one.id == "api.check")
    assert (check.status, check.regressed) == (Status.FAILED, True)

    text, _ = written(app, Asked(record.id, 0, False, ""), "markdown")
    rows = [line for line in text.splitlines() if "answer_p50" in line or "answer_p95" in line]
    assert len([row for row in rows if row.startswith("|")]) == 2, text
    assert "it was " in text


@pytest.mark.covers("POST-05")
def test_answers_that_take_as_long_as_before_pass_and_their_figures_are_kept(tmp_path: Path, site: Site) -> None:
    app, record = deployed(Shop(tmp_path), site, "true")
    assert (record.status, record.verdict) == (Status.CHANGED, Verdict.PASS)
    assert {one.name for one in record.figures_after["api.check"]} == {MEDIAN, SLOW}
    assert len(app.context.samples.history("api")[SLOW].points) >= 2
    assert len(site.asked) % 7 == 0, "each look asks once, warms up once, and times five"


@pytest.mark.covers("POST-05")
def test_the_same_hours_of_earlier_days_are_what_is_usual(tmp_path: Path, site: Site) -> None:
    app, _ = deployed(Shop(tmp_path), site, "true")
    now = datetime.now(UTC)
    for days in (1, 2, 3, 4, 20):
        for hours, value in ((0, 0.001 * days), (6, 9.0)):
            at = now - timedelta(days=days, hours=hours)
            app.context.samples.record("api", at, [Figure(MEDIAN, value, "s"), Figure(SLOW, 2 * value, "s")])
    app.check(["api"])
    looked = app.context.samples.last("api.check")
    assert looked
    assert looked.facts["pace"]["usual"] == {"days": 4, "median": 0.0025, "slow": 0.005}


def test_two_days_are_no_habit_and_what_is_young_belongs_to_the_run() -> None:
    points = [(NOW - timedelta(days=days, minutes=30), 0.1) for days in (1, 2)]
    assert usual(points, points, NOW) is None
    fresh = [*points, (NOW - timedelta(minutes=30), 9.0)]
    assert usual(fresh, fresh, NOW) is None
    midnight = [(NOW - timedelta(days=days), 0.1) for days in (1, 2, 3)]
    found = usual(midnight, midnight, NOW + timedelta(minutes=59))
    assert found
    assert (found.days, found.slow) == (3, 0.1)


def test_slower_than_usual_counts_only_where_it_was_not_so_before_the_run() -> None:
    nights = [(NOW - timedelta(days=days), 0.06) for days in (1, 2, 3)]
    was = usual(nights, nights, NOW)
    before, after, already = (Pace(Latency(), 20, 0, Duration(0.05), Duration(slow), was) for slow in (0.1, 0.15, 0.13))
    [found] = worsened("/", before, after)
    assert str(found) == (
        "/: answer_p95 150ms > latency.factor 120ms (default) -- at this hour it was 60ms on the last 3 days that were seen"
    )
    assert list(worsened("/", already, after)) == []


def test_percentiles_are_those_of_the_textbook() -> None:
    seen = pace(Latency(), [number / 100 for number in range(101)], 0, None)
    assert (round(seen.median, 9), round(seen.slow, 9)) == (0.5, 0.95)
    assert pace(Latency(), [0.3], 4, None).slow == 0.3
