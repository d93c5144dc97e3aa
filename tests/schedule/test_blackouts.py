"""Blackouts: dates as people write them, rules, what is added on both sides, and what they forbid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstay.model.plan import Impact
from mainstay.model.task import Blackout
from mainstay.model.units import Duration
from mainstay.schedule.blackouts import Span, calendar, forbidding, parse_dates, spans

BERLIN = ZoneInfo("Europe/Berlin")


def between(blackout: Blackout, start: str, end: str) -> list[tuple[str, str]]:
    """Return what a blackout covers in a stretch of time, in local time."""
    when = [datetime.fromisoformat(text).replace(tzinfo=BERLIN) for text in (start, end)]
    found = spans(blackout, calendar(blackout, when[0], when[1], BERLIN))
    return [(f"{one.start.astimezone(BERLIN):%Y-%m-%d %H:%M}", f"{one.end.astimezone(BERLIN):%Y-%m-%d %H:%M}") for one in found]


@pytest.mark.parametrize(
    ("on", "found"),
    [
        ("07-01", [("2026-07-01 00:00", "2026-07-02 00:00"), ("2027-07-01 00:00", "2027-07-02 00:00")]),
        ("2027-07-01", [("2027-07-01 00:00", "2027-07-02 00:00")]),
        ("12-20..01-06", [(f"{year}-12-20 00:00", f"{year + 1}-01-07 00:00") for year in (2025, 2026, 2027)]),
        ("2026-11-02..2026-11-09", [("2026-11-02 00:00", "2026-11-10 00:00")]),
        ("02-29", [("2026-02-28 00:00", "2026-03-01 00:00"), ("2027-02-28 00:00", "2027-03-01 00:00")]),
        ("03-29", [("2026-03-29 00:00", "2026-03-30 00:00"), ("2027-03-29 00:00", "2027-03-30 00:00")]),
        ("2030-01-01", []),
    ],
)  # fmt: skip
def test_dates_are_local_days_both_included(on: str, found: list[tuple[str, str]]) -> None:
    assert between(Blackout("b", on=on), "2026-01-01", "2028-01-01") == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("july 1", "is not a date"),
        ("13-01", "begins on a day that is not there"),
        ("2027-02-29", "begins on a day that is not there"),
        ("02-01..02-30", "ends on a day that is not there"),
        ("2026-01-01..02-01", "the year in both dates"),
        ("01-01..2026-02-01", "the year in both dates"),
        ("2026-03-01..2026-02-01", "ends before it begins"),
    ],
)
def test_what_is_no_date_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_dates(text)


def test_a_rule_has_a_length_and_every_span_grows_on_both_sides() -> None:
    friday = Blackout("pay", rule="last friday 12:00", length=Duration(3600), before=Duration(7200), after=Duration(1800))
    assert between(friday, "2026-05-01", "2026-06-01") == [("2026-05-29 10:00", "2026-05-29 13:30")]
    assert between(friday, "2026-05-29 13:00", "2026-05-29 13:10") == [("2026-05-29 10:00", "2026-05-29 13:30")], "under way"
    assert between(friday, "2026-05-29 10:30", "2026-05-29 10:40") == [("2026-05-29 10:00", "2026-05-29 13:30")], "not yet due"


@pytest.mark.parametrize(("impact", "level", "forbidden"), [(1, 0, True), (1, 1, False), (3, 2, True), (0, 0, False)])
def test_it_forbids_what_is_harder_than_its_level(impact: int, level: int, forbidden: bool) -> None:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    span = Span("b", start, start + timedelta(days=1), Impact(level))
    assert (forbidding([span], start, start + timedelta(hours=1), Impact(impact)) is span) == forbidden


def test_what_only_touches_it_is_free() -> None:
    start = datetime(2026, 7, 1, tzinfo=UTC)
    span, hour = Span("b", start, start + timedelta(days=1)), timedelta(hours=1)
    assert forbidding([span], start - hour, start, Impact.LOAD) is None
    assert forbidding([span], span.end, span.end + hour, Impact.LOAD) is None
    assert forbidding([span], start - hour, start + timedelta(microseconds=1), Impact.LOAD) is span
