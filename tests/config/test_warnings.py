"""What a careless configuration is told before the night in which it would matter."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mainstay import config
from mainstay.model.task import Site

Load = Callable[..., Site]
SITE = """\
site: demo
timezone: Europe/Berlin
targets:
  app: {kind: store, path: /srv/app.db}
  old: {kind: store, path: /srv/old.db}
routines:
  daily: {tasks: [app.vacuum]}
  weekly: {tasks: [app.vacuum]}
  other: {tasks: [old.vacuum]}
windows:
  daily: {rule: "daily 03:00", length: 1h, max_impact: blocks_writes}
  weekly: {rule: "sunday 02:00", length: 4h, max_impact: blocks_writes, status: ["02:30", "05:59"]}
  other: {rule: "daily 03:00", length: 1h, max_impact: blocks_writes}
"""


def told(site: Site) -> list[str]:
    return [str(one) for one in config.warnings(site) if "nobody is told when a run fails" not in str(one)]


def test_routines_that_need_the_same_target_at_the_same_time_are_named_once(written: Load) -> None:
    (warning,) = told(written(SITE))
    assert warning.startswith("mainstay.yaml:8: routines.weekly: its slots overlap those of daily 52 times a year")
    assert "both need app" in warning
    assert (
        told(written(SITE.replace("{tasks: [app.vacuum]}\n  other", "{tasks: [app.vacuum], replaces: [daily]}\n  other"))) == []
    )


def test_a_window_that_no_routine_has_is_probably_a_slip(written: Load) -> None:
    (warning,) = told(written(SITE.replace("  weekly: {rule", "  wekly: {rule")))
    assert warning.startswith("mainstay.yaml:12: windows.wekly: no routine has this window, so nothing is due in it")
    assert "did you mean weekly?" in warning


def test_a_time_of_status_outside_of_the_slot_is_told(written: Load) -> None:
    warnings = told(written(SITE.replace('"05:59"', '"09:00"')))
    assert "09:00 is not within the slot, which lasts 4h from 02:00 on" in warnings[0]
    assert "nobody is told then" in warnings[0]


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ("0 2 1-7 * 0", "write 'cron: 0 2 1-7 * 0'"),
        ("*/5 * * * *", "write 'cron: */5 * * * *'"),
        ("rrule: FREQ=SECONDLY", "write a rule such as 'every 1h'"),
        ("rrule: FREQ=MINUTELY;INTERVAL=5;DTSTART=19900101T000000", "write a rule such as 'every 1h'"),
    ],
)
def test_a_rule_of_another_language_is_told_in_this_one(mistakes: Callable[..., list[str]], rule: str, answer: str) -> None:
    (mistake,) = mistakes(SITE.replace("sunday 02:00", rule))
    assert mistake.startswith("mainstay.yaml:12: windows.weekly.rule:")
    assert answer in mistake
