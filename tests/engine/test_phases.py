"""Phases of a window: laid out over the slot, entered when those before have passed and not before their time."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.model.errors import ConfigError
from mainstay.model.run import RunRecord, Status
from mainstay.model.units import Duration
from mainstay.report import phases
from mainstay.system import clock
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED, open_now
from tests.serve.served import PROGRAM


def phased(shop: Shop, window: str = "1h", **parts: dict[str, Any]) -> Shop:
    """A window that opened a minute ago, with these phases; each task logs its name."""
    ids = [next(iter(one), "") if isinstance(one, dict) else one for part in parts.values() for one in part["tasks"]]
    for name in (id.partition(".")[0] for id in ids):
        if name not in shop.targets:
            shop.command(name)
    shop.routines = {"daily": {"phases": parts}}
    open_now(shop, window)
    return shop


def task(name: str, budget: str = "1m") -> dict[str, Any]:
    return {f"{name}.run": {"budget": budget}}


def part(*names: str, **settings: Any) -> dict[str, Any]:
    return {"tasks": [task(name) for name in names], "budget": "5m", **settings}


def began(record: RunRecord, id: str) -> Any:
    return record.task(id).began


@pytest.mark.covers("SCH-21")
def test_a_phase_starts_when_the_one_before_has_passed_and_the_plan_is_kept_beside_what_happened(shop: Shop) -> None:
    record = phased(shop, copy=part("save"), change=part("clean", "tune")).open().run("daily", SCHEDULED)
    assert (record.status, shop.effects) == (Status.CHANGED, ["save", "clean", "tune"])
    copy, change = record.phases
    assert record.slot is not None
    assert (copy.begins, copy.ends, change.ends) == tuple(record.slot.start + timedelta(minutes=n) for n in (0, 5, 10))
    assert copy.began is not None
    assert change.began is not None
    assert change.began < change.begins, "nobody waits for a plan that names no time"
    ended = record.task("save.run").ended
    assert ended is not None
    assert ended <= change.began


@pytest.mark.covers("SCH-21")
def test_a_phase_does_not_begin_before_its_time(shop: Shop) -> None:
    seconds = clock.now().second + 63  # the window opened a minute ago, on the minute
    record = phased(shop, copy=part("save"), late=part("after", start=f"+{seconds}s")).open().run("daily", SCHEDULED)
    assert (record.status, shop.effects) == (Status.CHANGED, ["save", "after"])
    assert record.phases[1].not_before is not None
    assert began(record, "after.run") >= record.phases[1].not_before


@pytest.mark.covers("SCH-21")
def test_no_outage_lasts_while_a_phase_waits_for_its_time_and_whoever_cancels_it_is_heard(shop: Shop) -> None:
    shop.change("shut", impact="downtime")
    shop.change("after", impact="downtime")  # it needs the bracket too
    shop.command("sign", undo=["/bin/true"])
    phased(shop, copy=part("shut"), late=part("after", start="+40m"))
    shop.routines["daily"]["around"] = ["sign.hold"]
    shop.windows["daily"]["max_impact"] = "downtime"
    app = shop.open()
    app.sweep(Duration(60))
    with owner_of(shop):
        wait_for(lambda: any(lifted(record) for record in app.runs(1)))
        waiting = app.run_record("last")
        assert (waiting.task("shut.run").status, waiting.phases[1].began, shop.effects) == (
            Status.CHANGED,
            None,
            ["sign", "shut"],
        )
        app.cancel(waiting.id, "bob", "")
        wait_for(lambda: app.run_record(waiting.id).ended is not None)
    assert app.run_record(waiting.id).task("after.run").status is Status.CANCELLED


@pytest.mark.covers("SCH-21")
def test_when_a_phase_has_not_passed_those_that_come_after_it_are_left_out_with_the_reason(shop: Shop) -> None:
    shop.command("save", "exit 1")
    shop = phased(shop, copy=part("save"), change=part("clean"), tests=part("look"), free=part("sweep", after=[]))
    record = shop.open().run("daily", SCHEDULED)
    assert shop.effects == ["sweep"]
    assert record.task("clean.run").because == "phase change comes after copy, which has not passed: save.run is failed"
    assert record.task("look.run").because == "phase tests comes after change, which has not passed: clean.run is skipped"
    stands = {one.name: one.status for one in phases.lines(record, clock.now())}
    assert stands == {"copy": Status.FAILED, "change": Status.SKIPPED, "tests": Status.SKIPPED, "free": Status.CHANGED}


@pytest.mark.covers("SCH-21")
def test_a_restart_in_the_middle_goes_on_with_the_plan_that_was_pinned(shop: Shop) -> None:
    shop.command("clean", "echo clean >> $LOG; test -e $LOG.again || sleep 600", on_unknown="rerun")
    phased(shop, copy=part("save"), change=part("clean", "tune"), late=part("after", start="+1m"))
    app = shop.open()
    with owner_of(shop) as owner:
        wait_for(lambda: "clean" in shop.effects)
        owner.kill()
    (shop.folder / "effects.log.again").touch()
    [killed] = app.runs(5)
    shop.routines["daily"]["phases"]["late"]["start"] = "+50m"
    record = shop.open().resume(killed.id)
    assert (record.status, shop.effects) == (Status.CHANGED, ["save", "clean", "clean", "tune", "after"])
    plan = [(one.begins, one.ends, one.not_before) for one in record.phases]
    assert plan == [(one.begins, one.ends, one.not_before) for one in killed.phases], "not what the file says by now"
    assert [one.began for one in record.phases][:2] == [one.began for one in killed.phases][:2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"window": "9m"},
            r"mainstay\.yaml:\d+: routines\.daily\.phases\.change: ends 10m after the slot begins, and window daily lasts 9m",
        ),
        ({"buffer": "51m"}, r"phases\.change: ends 10m after the slot begins \+ buffer 51m, .* by 1m"),
        ({"start": "+56m"}, r"phases\.change: ends 1h1m after the slot begins, and window daily lasts 1h .* by 1m"),
        ({"budget": "4m"}, r"phases\.change: its tasks need 5m \(clean\.run 5m\), and its budget is 4m.*by 1m"),
        ({"after": ["chagne"]}, r"phases\.change\.after\[0\]: 'chagne' is not an earlier phase"),
        ({"start": "soon"}, r"phases\.change\.start: 'soon' is not a time of day"),
        ({"tasks": ["save.run"]}, r"daily\.save\.run: is in this list twice"),
    ],
)
@pytest.mark.covers("SCH-21")
def test_a_plan_that_cannot_be_kept_is_refused_with_line_and_minutes(shop: Shop, change: dict[str, Any], told: str) -> None:
    settings = {key: value for key, value in change.items() if key in ("start", "budget", "after", "tasks")}
    shop.command("clean")
    late = {"tasks": [task("clean", "5m")], "budget": "5m", **settings}
    phased(shop, change.get("window", "1h"), copy=part("save"), change=late)
    if "buffer" in change:
        shop.routines["daily"]["buffer"] = change["buffer"]
    with pytest.raises(ConfigError, match=told):
        shop.open()


def test_a_routine_has_tasks_or_phases(shop: Shop) -> None:
    phased(shop, copy=part("save"))
    shop.routines["daily"]["tasks"] = ["save.run"]
    with pytest.raises(ConfigError, match="has both tasks and phases"):
        shop.open()
    shop.routines["daily"] = {}
    with pytest.raises(ConfigError, match=r"routines\.daily\.tasks: is missing"):
        shop.open()


@pytest.mark.covers("SCH-21")
def test_windows_show_and_the_page_draw_plan_against_actual(shop: Shop) -> None:
    phased(shop, copy=part("save"), change=part("clean", start="+20m"))
    shop.routines["daily"]["buffer"] = "10m"
    shop.windows["daily"]["rule"] = "daily 02:00"
    plan = said(shop, "windows", "--days", "2")
    assert re.search(r"copy +02:00 +02:05 +5m +save\.run", plan)
    assert re.search(r"change +02:20 +02:25 +5m +copy +clean\.run", plan)
    assert re.search(r"buffer +10m", plan)
    open_now(shop)
    shop.routines["daily"]["phases"]["change"].pop("start")
    record = shop.open().run("daily", SCHEDULED)
    page = said(shop, "show", record.id)
    assert re.search(r"phase +plan +actual", page)
    assert re.search(r"change .*━.* changed", page)
    target = shop.folder / "report.html"
    said(shop, "report", "daily", "--format", "html", "--output", str(target))
    assert "Phases, plan against actual" in target.read_text(encoding="utf-8")


@pytest.mark.covers("SCH-21")
def test_while_a_run_goes_on_its_timeline_moves(shop: Shop) -> None:
    shop.command("save", "echo save >> $LOG; sleep 60")
    phased(shop, copy=part("save"), change=part("clean"))
    app = shop.open()
    with owner_of(shop):
        wait_for(lambda: "save" in shop.effects)
        page = said(shop, "windows")
        assert re.search(r"Under way: daily", page)
        assert re.search(r"copy .* running", page)
        assert re.search(r"change .* pending", page)
        [line, _] = phases.lines(app.run_record("last"), clock.now() + timedelta(minutes=30))
        assert line.late > 20 * 60, "it stands later than planned, and longer with every minute"


def lifted(record: RunRecord) -> list[str]:
    return [step.step.action for step in record.task("sign.hold").steps if step.undo_of and step.ended]


def wait_for(met: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not met():
        assert time.monotonic() < until
        time.sleep(0.05)


@contextmanager
def owner_of(shop: Shop) -> Iterator[subprocess.Popen[bytes]]:
    """Let another process run the routine, and end it at last."""
    owner = subprocess.Popen([*PROGRAM, "--config", str(shop.folder / "mainstay.yaml"), "run", "daily", "--scheduled"])
    try:
        yield owner
    finally:
        owner.terminate()
        owner.wait(timeout=60)


def said(shop: Shop, *words: str) -> str:
    shop.open()
    call = [*PROGRAM, "--config", str(Path(shop.folder) / "mainstay.yaml"), *words]
    return subprocess.run(call, capture_output=True, text=True, timeout=60, check=True).stdout
