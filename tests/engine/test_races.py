"""Two launchers, one occurrence, one target."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.model.run import Status
from tests.engine.races import Raced, race
from tests.engine.shop import Shop


@pytest.mark.covers("SCH-13")
def test_an_occurrence_that_two_processes_launch_at_once_runs_once(tmp_path: Path) -> None:
    assert race(tmp_path, 10) == Raced(races=10, twice=0, never=0, overlaps=0)


@pytest.mark.slow
def test_two_hundred_races_have_no_double_execution(tmp_path: Path) -> None:
    assert race(tmp_path, 200) == Raced(races=200, twice=0, never=0, overlaps=0)


def two_runs(shop: Shop) -> list[str]:
    """Run one slow routine twice at the same time and return the statuses of its task."""
    app = shop.open()
    how = Launch(by="ann", envelope=app.forecast("daily").envelope)
    found: list[str] = []
    owners = [threading.Thread(target=lambda: found.append(shop.open().run("daily", how).tasks[0].status)) for _ in range(2)]
    for owner in owners:
        owner.start()
        time.sleep(0.2)
    for owner in owners:
        owner.join(30)
    return found


def test_a_second_run_on_a_busy_target_is_deferred_and_told_who_is_at_work(shop: Shop) -> None:
    shop.command("slow", "echo in >> $LOG; sleep 1; echo out >> $LOG")
    shop.routines = {"daily": {"tasks": ["slow.run"]}}
    assert sorted(two_runs(shop)) == [Status.CHANGED, Status.DEFERRED]
    assert shop.effects == ["in", "out"]
    deferred = next(run for run in shop.open().runs(2) if run.tasks[0].status is Status.DEFERRED)
    assert "holds the lock" in deferred.tasks[0].because


@pytest.mark.covers("SCH-13")
def test_a_second_run_that_may_queue_waits_and_then_runs(shop: Shop) -> None:
    shop.command("slow", "echo in >> $LOG; sleep 0.6; echo out >> $LOG")
    shop.routines = {"daily": {"queue": "20s", "tasks": ["slow.run"]}}
    assert two_runs(shop) == [Status.CHANGED, Status.CHANGED]
    assert shop.effects == ["in", "out", "in", "out"]
