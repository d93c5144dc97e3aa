"""What is to come is complete, in order, and says who has the day and who runs into whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.model.task import Routine, Site, Window
from mainstay.model.units import Duration
from mainstay.schedule.agenda import Agenda
from mainstay.schedule.occurrences import Occurrence, often, upcoming

HOUR = 3600
DAYS = ("daily", "sunday", "first sunday", "day 1", "quarterly first sunday")


def site(zone: str = "Europe/Berlin", **given: tuple[str, int, tuple[str, ...]]) -> Agenda:
    """Build a site of routines: the rule of each one's window, its hours, and what it replaces."""
    routines = {name: Routine(name, (), window=name, replaces=replaces) for name, (_, _, replaces) in given.items()}
    windows = {name: Window(name, rule, Duration(hours * HOUR)) for name, (rule, hours, _) in given.items()}
    return Agenda(Site("demo", zone, {}, routines, windows, Path("/var/lib/mainstay")))


def seen(found: list[Occurrence]) -> list[tuple[str, str]]:
    return [(one.routine, f"{one.slot.start:%m-%d %H:%M}") for one in found]


@pytest.mark.covers("SCH-04")
def test_the_slots_of_a_month_come_in_order_and_the_replaced_one_says_why() -> None:
    both = site("UTC", weekly=("sunday 02:00", 4, ()), monthly=("first sunday 02:00", 6, ("weekly",)))
    found = upcoming(both, datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
    assert seen(found) == [
        ("weekly", "06-07 02:00"),
        ("monthly", "06-07 02:00"),
        ("weekly", "06-14 02:00"),
        ("weekly", "06-21 02:00"),
        ("weekly", "06-28 02:00"),
    ]
    assert [str(one.replaced or "") for one in found][:3] == [
        "monthly replaces weekly, and is due: 2026-06-07 02:00 UTC",
        "",
        "",
    ]
    assert all(one.beside == () for one in found), "what is left out meets nobody"


def test_slots_that_overlap_name_each_other_and_those_that_only_touch_do_not() -> None:
    three = site("UTC", weekly=("sunday 03:00", 2, ()), monthly=("day 1 04:00", 2, ()), yearly=("yearly 01-01 06:00", 6, ()))
    found = upcoming(three, datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 2, tzinfo=UTC))
    beside = {(one.routine, f"{one.slot.start:%m-%d}"): one.beside for one in found}
    assert beside["monthly", "01-01"] == ()
    assert beside["yearly", "01-01"] == ()
    assert beside["weekly", "02-01"] == ("monthly",)
    assert beside["monthly", "02-01"] == ("weekly",)


@pytest.mark.covers("SCH-11")
def test_what_the_clock_does_to_a_start_is_told() -> None:
    nightly = site(nightly=("daily 02:30", 1, ()))
    found = upcoming(nightly, datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    told = {f"{one.slot.start:%m-%d}": one.clock for one in found if one.clock}
    assert told == {
        "03-29": "the clock leaves out 02:30: begins at 03:00 CEST",
        "10-25": "02:30 comes twice: the first counts",
    }


def test_what_is_due_many_times_a_day_is_no_appointment() -> None:
    both = site("UTC", probe=("every 5m", 1, ()), night=("daily 02:00", 1, ()))
    start = datetime(2026, 6, 1, 12, 1, tzinfo=UTC)
    assert {one.routine for one in upcoming(both, start, start + timedelta(days=3))} == {"night"}
    assert [(one.routine, one.rule, one.next) for one in often(both, start)] == [
        ("probe", "every 5m", datetime(2026, 6, 1, 12, 5, tzinfo=UTC))
    ]


@given(
    rules=st.lists(st.tuples(st.sampled_from(DAYS), st.integers(0, 23), st.integers(1, 30)), min_size=1, max_size=5),
    since=st.integers(0, 4 * 366 * 24),
)
def test_overlaps_are_those_that_a_comparison_of_each_with_each_finds(rules: list[tuple[str, int, int]], since: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=since)
    made = site(
        "Europe/Berlin", **{f"r{number}": (f"{day} {hour:02}:00", hours, ()) for number, (day, hour, hours) in enumerate(rules)}
    )
    found = upcoming(made, start, start + timedelta(days=40))
    assert found == sorted(found, key=lambda one: (one.slot.start, one.slot.end, one.routine))
    for one in found:
        meeting = {
            other.routine
            for other in found
            if other is not one and other.slot.start < one.slot.end and one.slot.start < other.slot.end
        }
        assert set(one.beside) == meeting
