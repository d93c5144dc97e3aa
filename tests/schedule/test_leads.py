"""Lead times and status times against what a wall clock shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.schedule import leads

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 11, 29, 2, tzinfo=BERLIN)


def local(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("text", "start", "before"),
    [
        ("friday 15:00", SUNDAY, local(2026, 11, 27, 15)),
        ("sunday 02:00", SUNDAY, local(2026, 11, 22, 2)),
        ("sunday 01:59", SUNDAY, local(2026, 11, 29, 1, 59)),
        ("14d", SUNDAY, local(2026, 11, 15, 2)),
        ("4w", SUNDAY, local(2026, 11, 1, 2)),
        ("1d", local(2026, 3, 30, 1), local(2026, 3, 29, 1)),
        ("24h", local(2026, 3, 30, 1), local(2026, 3, 29, 0)),  # the day had 23 hours
        ("1d", local(2026, 3, 30, 2, 30), local(2026, 3, 29, 3)),  # 02:30 does not exist: the first instant after the gap
        ("90m", SUNDAY, local(2026, 11, 29, 0, 30)),
    ],
)
def test_the_instant_before_a_slot(text: str, start: datetime, before: datetime) -> None:
    assert leads.parse(text).before(start, BERLIN) == before.astimezone(UTC)


@given(
    st.integers(0, 4 * 365 * 1440).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.sampled_from(["friday 15:00", "sunday 02:30", "1d", "2w", "24h", "1m", "monday 00:00"]),
    st.sampled_from(["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia", "UTC"]),
)
def test_a_lead_time_is_before_its_slot_and_not_far_off(start: datetime, text: str, zone: str) -> None:
    tz = ZoneInfo(zone)
    found = leads.parse(text).before(start, tz)
    assert timedelta() < start - found <= timedelta(days=15)


@pytest.mark.parametrize("text", ["fryday 15:00", "friday 24:00", "friday", "14", "0d", "91d", "tomorrow", "", "-1d"])
def test_what_is_no_lead_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        leads.parse(text)


def test_only_the_newest_that_has_come_is_due() -> None:
    texts = ("14d", "friday 15:00", "24h")
    friday = local(2026, 11, 27, 15)
    assert leads.due(texts, SUNDAY, local(2026, 11, 15, 1), BERLIN) is None
    found = leads.due(texts, SUNDAY, friday, BERLIN)
    assert found is not None
    assert (found[0].text, found[1]) == ("friday 15:00", friday)
    assert leads.due(texts, SUNDAY, SUNDAY, BERLIN) is None


def test_status_times_of_a_night_in_which_an_hour_comes_twice() -> None:
    began, until = local(2026, 10, 25, 1), local(2026, 10, 25, 5)
    found = leads.within(("02:30", "04:00"), began, until, BERLIN)
    assert [f"{one.astimezone(BERLIN):%H:%M %Z}" for one in found] == ["02:30 CEST", "04:00 CET"]
