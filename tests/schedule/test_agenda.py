"""Slots: their ends, changes of the clock, who has a day, what blackouts move, and what people announce."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.model.plan import Impact
from mainstay.model.target import Origin
from mainstay.model.task import Routine, Site, Slot, Window
from mainstay.model.units import Duration
from mainstay.schedule.agenda import Agenda, Announced, occurrence
from mainstay.schedule.blackouts import Span

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def site(hours: int = 1, postpone: int = 0, **replaces: tuple[str, str]) -> Site:
    """Build a site of routines, each with the rule of its window and the routine that it replaces."""
    routines = {
        name: Routine(name, (), window=name, replaces=(other,) if other else (), origin=Origin("mainstay.yaml", 7))
        for name, (_, other) in replaces.items()
    }
    length, later = Duration(hours * 3600), Duration(postpone * 86400)
    windows = {name: Window(name, rule, length, postpone=later) for name, (rule, _) in replaces.items()}
    return Site("demo", "Europe/Berlin", {}, routines, windows, Path("/var/lib/mainstay"))


def weekly(postpone: int = 0, *blackouts: Span, announced: tuple[Announced, ...] = ()) -> tuple[Agenda, Routine]:
    made = Agenda(site(4, postpone, weekly=("sunday 02:00", "")), blackouts, announced)
    return made, made.site.routines["weekly"]


def begins(slots: list[Slot]) -> list[str]:
    return [f"{slot.start.astimezone(BERLIN):%m-%d %H:%M}" for slot in slots]


def test_a_slot_holds_its_start_and_not_its_end() -> None:
    made, routine = weekly()
    slot = made.at(routine, at("2026-05-17 02:00"))
    assert slot is not None
    assert (slot.start, slot.end) == (at("2026-05-17 02:00"), at("2026-05-17 06:00"))
    assert made.at(routine, at("2026-05-17 05:59")) == slot
    assert made.at(routine, at("2026-05-17 06:00")) is None
    assert made.at(routine, at("2026-05-17 01:59")) is None


def test_the_latest_of_overlapping_slots_counts() -> None:
    made = Agenda(site(3, hourly=("every 1h", "")))
    slot = made.at(made.site.routines["hourly"], datetime(2026, 5, 17, 12, 30, tzinfo=UTC))
    assert slot is not None
    assert slot.start == datetime(2026, 5, 17, 12, tzinfo=UTC)


def test_a_slot_lasts_its_length_through_a_change_of_the_clock() -> None:
    made, routine = weekly()
    slot = made.following(routine, at("2026-03-28 12:00"))
    assert slot is not None
    assert (slot.start, slot.end) == (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 5, tzinfo=UTC))


def test_an_occurrence_is_named_by_its_intended_utc_time() -> None:
    assert occurrence("weekly", at("2026-05-17 02:00")) == "weekly@2026-05-17T00:00:00Z"


def test_a_monthly_routine_replaces_the_weekly_one_on_its_day_and_says_so() -> None:
    both = Agenda(site(weekly=("sunday 02:00", ""), monthly=("first sunday 02:00", "weekly")))
    routines = both.site.routines
    first, second = both.slots(routines["weekly"], at("2026-06-01 00:00"), at("2026-06-15 00:00"))
    assert str(both.replaced(routines["weekly"], first)) == "monthly replaces weekly, and is due: 2026-06-07 02:00 CEST"
    assert both.replaced(routines["weekly"], second) is None
    assert both.replaced(routines["monthly"], first) is None


def test_of_a_chain_each_is_replaced_by_the_next() -> None:
    chain = Agenda(
        site(
            weekly=("sunday 02:00", ""),
            monthly=("first sunday 03:00", "weekly"),
            quarterly=("quarterly first sunday 04:00", "monthly"),
        )
    )
    found = {
        name: chain.slots(routine, at("2026-07-05 00:00"), at("2026-07-06 00:00"))[0]
        for name, routine in chain.site.routines.items()
    }
    why = [str(chain.replaced(chain.site.routines[name], slot)).split(",")[0] for name, slot in found.items()]
    assert why == ["monthly replaces weekly", "quarterly replaces monthly", "None"]


@pytest.mark.parametrize(
    ("postpone", "found"),
    [(0, ["05-10 02:00", "05-17 02:00", "05-24 02:00"]), (1, ["05-10 02:00", "05-18 02:00", "05-24 02:00"])],
)
def test_a_slot_under_a_blackout_is_put_off_only_where_its_window_says_so(postpone: int, found: list[str]) -> None:
    made, routine = weekly(postpone, Span("release", at("2026-05-16 00:00"), at("2026-05-17 12:00")))
    slots = made.slots(routine, at("2026-05-08 00:00"), at("2026-05-25 00:00"))
    assert begins(slots) == found
    assert (made.forbidding(routine, slots[1]) is None) == bool(postpone)


def test_a_slot_is_put_off_by_local_days_and_says_when_it_was_due() -> None:
    spring = Span("spring", at("2026-03-22 00:00"), at("2026-03-23 00:00"))
    made = Agenda(site(4, 7, monthly=("fourth sunday 02:00", "")), (spring,))
    [slot] = made.slots(made.site.routines["monthly"], at("2026-03-01 00:00"), at("2026-04-01 00:00"))
    assert (slot.start, slot.due) == (datetime(2026, 3, 29, 1, tzinfo=UTC), at("2026-03-22 02:00"))


def test_a_slot_that_is_put_off_to_another_one_is_one_with_it() -> None:
    made, routine = weekly(7, Span("release", at("2026-05-17 00:00"), at("2026-05-18 00:00")))
    assert begins(made.slots(routine, at("2026-05-10 00:00"), at("2026-05-25 00:00"))) == ["05-10 02:00", "05-24 02:00"]


def test_a_slot_that_no_move_frees_stays_where_it_is() -> None:
    made, routine = weekly(7, Span("summer", at("2026-05-01 00:00"), at("2026-09-01 00:00")))
    [slot] = made.slots(routine, at("2026-05-17 00:00"), at("2026-05-18 00:00"))
    assert slot.start == slot.due
    assert made.forbidding(routine, slot)


def test_a_blackout_that_allows_what_the_window_allows_moves_nothing() -> None:
    made, routine = weekly(7, Span("quiet", at("2026-05-17 00:00"), at("2026-05-18 00:00"), Impact.LOAD))
    assert begins(made.slots(routine, at("2026-05-17 00:00"), at("2026-05-18 00:00"))) == ["05-17 02:00"]


def test_an_announced_slot_is_one_more_and_nobody_replaces_it() -> None:
    start = at("2026-05-20 22:00")
    extra = Announced("weekly-1", "weekly", start, start + timedelta(hours=2), Impact.DOWNTIME, "ada", "PostgreSQL 18")
    made, routine = weekly(announced=(extra,))
    assert begins(made.slots(routine, at("2026-05-17 00:00"), at("2026-05-25 00:00"))) == [
        "05-17 02:00",
        "05-20 22:00",
        "05-24 02:00",
    ]
    slot = made.at(routine, start + timedelta(hours=1))
    assert slot == extra.slot
    assert made.replaced(routine, extra.slot) is None
    assert made.following(routine, at("2026-05-18 00:00")) == extra.slot


def test_a_routine_without_a_window_has_the_slots_that_were_announced() -> None:
    start = at("2026-05-20 22:00")
    extra = Announced("once-1", "once", start, start + timedelta(hours=2), Impact.DOWNTIME, "ada", "")
    made = Agenda(Site("demo", "Europe/Berlin", {}, {"once": Routine("once", ())}, {}, Path("/")), announced=(extra,))
    once = made.site.routines["once"]
    assert made.at(once, start) == made.following(once, start - DAY) == extra.slot
    assert made.following(once, start) is None
    assert made.at(once, start - DAY) is None


@settings(deadline=None, max_examples=60)
@given(
    rule=st.sampled_from(("daily", "sunday", "first sunday", "day last", "quarterly first sunday")),
    postpone=st.sampled_from((0, 1, 7)),
    spans=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 20)), max_size=8),
    since=st.integers(0, 365),
)
def test_asking_in_pieces_and_one_by_one_finds_the_same_slots(
    rule: str, postpone: int, spans: list[tuple[int, int]], since: int
) -> None:
    zero = datetime(2026, 1, 1, tzinfo=UTC)
    blackouts = tuple(Span("b", zero + start * DAY, zero + (start + length) * DAY) for start, length in spans)
    made = Agenda(site(2, postpone, r=(f"{rule} 02:30", "")), blackouts)
    routine, start = made.site.routines["r"], zero + since * DAY
    whole = made.slots(routine, start, start + 60 * DAY)
    pieces = [slot for day in range(60) for slot in made.slots(routine, start + day * DAY, start + (day + 1) * DAY)]
    assert pieces == whole
    walked, after = list[Slot](), start - timedelta(microseconds=1)
    while (found := made.following(routine, after)) and found.start < start + 60 * DAY:
        walked.append(found)
        after = found.start
    assert walked == whole
    for slot in whole:
        assert made.at(routine, slot.end - timedelta(microseconds=1)) in (slot, *[one for one in whole if one.start > slot.start])
