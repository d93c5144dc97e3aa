"""Changes of the clock, next firings, and the cron line that means something else."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven
from mainstay import config
from mainstay.config.warnings import warnings
from mainstay.kinds import registry
from mainstay.schedule import rules

RULES = ("sunday 02:00", "first sunday 02:30", "daily 02:30", "quarterly first sunday 02:00", "cron: 0 2 * * 0")
FIRINGS, MOST = 10_000, 0.5  # seconds
CRON = """
site: demo
timezone: UTC
windows:
  monthly: {rule: "cron: 0 2 1-7 * 0", length: 1h}
"""
START = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = ZoneInfo("Europe/Berlin")


def measure() -> Iterator[Goal]:
    """Compare with a walk by the minute, time the answers, and read what check-config says."""
    law = "tests/schedule/test_clock_law.py"
    yield proven("clock: every history of offsets x ten rules against a walk by the minute", "0 doubled, 0 lost", law)
    for rule in RULES:
        took = median(_timed(rule) for _ in range(3))
        yield Goal(f"clock: {FIRINGS:,} next firings of '{rule}'", f"<= {MOST} s", f"{took:.2f} s", took <= MOST)
    yield _cron()


def _timed(rule: str) -> float:
    parsed, due = rules.parse(rule), START
    began = time.perf_counter()
    for _ in range(FIRINGS):
        due = parsed.next(due, ZONE)
        if due.year > 2200:  # what is due four times a year begins anew
            due = START
    return time.perf_counter() - began


def _cron() -> Goal:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mainstay.yaml"
        path.write_text(f"{CRON}state: {name}/state\n")
        [told] = warnings(config.load(path, registry))
    text = str(told)
    meant = rules.parse("first sunday 02:00")
    wanted = ("124 times in 2026", "'first sunday 02:00'", f"{meant.times_in(2026)} times")
    ok = all(part in text for part in wanted) and meant.next(START, ZONE) - START < timedelta(days=7)
    return Goal("clock: '0 2 1-7 * 0' is explained", ", ".join(wanted), text.partition(": ")[2], ok)
