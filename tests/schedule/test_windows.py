from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from mainstay.model.target import Origin
from mainstay.model.task import Routine, Site, Window
from mainstay.model.units import Duration
from mainstay.schedule.windows import next_slot, slot_at, superseded

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = Window("weekly", "sunday 02:00", Duration(4 * 3600))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def site(**replaces: tuple[str, str]) -> Site:
    """Build a site of routines, each with the rule of its window and the routine that it replaces."""
    routines = {
        name: Routine(name, (), window=name, replaces=(other,) if other else (), origin=Origin("mainstay.yaml", 7))
        for name, (_, other) in replaces.items()
    }
    windows = {name: Window(name, rule, Duration(3600)) for name, (rule, _) in replaces.items()}
    return Site("demo", "Europe/Berlin", {}, routines, windows, Path("/var/lib/mainstay"))


def test_a_slot_holds_its_start_and_not_its_end() -> None:
    slot = slot_at(WEEKLY, at("2026-05-17 02:00"), BERLIN)
    assert slot is not None
    assert (slot.start, slot.end) == (at("2026-05-17 02:00"), at("2026-05-17 06:00"))
    assert slot_at(WEEKLY, at("2026-05-17 05:59"), BERLIN) == slot
    assert slot_at(WEEKLY, at("2026-05-17 06:00"), BERLIN) is None
    assert slot_at(WEEKLY, at("2026-05-17 01:59"), BERLIN) is None


def test_the_latest_of_overlapping_slots_counts() -> None:
    hourly = Window("hourly", "every 1h", Duration(3 * 3600))
    slot = slot_at(hourly, datetime(2026, 5, 17, 12, 30, tzinfo=UTC), BERLIN)
    assert slot is not None
    assert slot.start == datetime(2026, 5, 17, 12, tzinfo=UTC)


def test_a_slot_lasts_its_length_through_a_change_of_the_clock() -> None:
    slot = next_slot(WEEKLY, at("2026-03-28 12:00"), BERLIN)
    assert (slot.start, slot.end) == (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 5, tzinfo=UTC))


def test_an_occurrence_is_named_by_its_intended_utc_time() -> None:
    assert next_slot(WEEKLY, at("2026-05-13 12:00"), BERLIN).key == "weekly@2026-05-17T00:00:00Z"


def test_a_monthly_routine_replaces_the_weekly_one_on_its_day_and_says_so() -> None:
    both = site(weekly=("sunday 02:00", ""), monthly=("first sunday 02:00", "weekly"))
    why = superseded(both.routines["weekly"], both, date(2026, 6, 7))
    assert str(why) == "monthly replaces weekly, and is due: 2026-06-07 02:00 CEST"
    assert superseded(both.routines["weekly"], both, date(2026, 6, 14)) is None
    assert superseded(both.routines["monthly"], both, date(2026, 6, 7)) is None


def test_of_a_chain_each_is_replaced_by_the_next() -> None:
    chain = site(
        weekly=("sunday 02:00", ""),
        monthly=("first sunday 03:00", "weekly"),
        quarterly=("quarterly first sunday 04:00", "monthly"),
    )
    day = date(2026, 7, 5)
    why = [str(superseded(chain.routines[name], chain, day)).split(",")[0] for name in ("weekly", "monthly", "quarterly")]
    assert why == ["monthly replaces weekly", "quarterly replaces monthly", "None"]
