from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.schedule import rules

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # changes by half an hour
APIA = ZoneInfo("Pacific/Apia")  # had no 30 December 2011
YEAR = (datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2027, 1, 1, tzinfo=BERLIN))


def due(rule: str, start: str, count: int = 3, tz: ZoneInfo = BERLIN) -> list[str]:
    """Return the next local times of a rule after a local time."""
    at, found = datetime.fromisoformat(start).replace(tzinfo=tz), []
    for _ in range(count):
        at = rules.parse(rule).next(at, tz)
        found.append(at.astimezone(tz).isoformat(" ", "minutes"))
    return found


@pytest.mark.covers("SCH-07")
def test_the_first_sunday_is_twelve_days_a_year_where_cron_means_a_hundred_and_twenty_four() -> None:
    assert len(list(rules.parse("cron: 0 2 1-7 * 0").between(*YEAR, BERLIN))) == 124
    days = [at.astimezone(BERLIN) for at in rules.parse("first sunday 02:00").between(*YEAR, BERLIN)]
    assert len(days) == 12
    assert all(at.weekday() == 6 and at.day <= 7 for at in days)


@pytest.mark.covers("SCH-07")
@pytest.mark.parametrize(
    ("line", "times", "meant", "instead"),
    [
        ("0 2 1-7 * 0", 124, "first sunday 02:00", 12),
        ("30 4 8-14 1,7 7", 20, "second sunday of jan,jul 04:30", 2),
        ("15 3 22-28 * 5", 124, "fourth friday 03:15", 12),
        ("0 2 1-7 * 1-5", None, "", 0),
        ("0 2 1,15 * 0", None, "", 0),
        ("0 2 * * 0", 52, "", 0),
    ],
)
def test_a_cron_line_is_counted_and_the_rule_that_was_meant_is_named(
    line: str, times: int | None, meant: str, instead: int
) -> None:
    rule = rules.parse(f"cron: {line}")
    assert isinstance(rule, rules.Cron)
    assert times in (None, rule.times_in(2026))
    assert rule.meant == meant
    assert not meant or rules.parse(meant).times_in(2026) == instead


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("daily 03:00", ["2026-05-14 03:00", "2026-05-15 03:00"]),
        ("sunday 02:00", ["2026-05-17 02:00", "2026-05-24 02:00"]),
        ("mon,friday 02:00", ["2026-05-15 02:00", "2026-05-18 02:00"]),
        ("monthly 1 04:00", ["2026-06-01 04:00", "2026-07-01 04:00"]),
        ("day last 04:00", ["2026-05-31 04:00", "2026-06-30 04:00"]),
        ("second tuesday 04:00", ["2026-06-09 04:00", "2026-07-14 04:00"]),
        ("last friday 22:00", ["2026-05-29 22:00", "2026-06-26 22:00"]),
        ("first sunday of jan,apr,jul,oct 02:00", ["2026-07-05 02:00", "2026-10-04 02:00"]),
        ("quarterly first sunday 02:00", ["2026-07-05 02:00", "2026-10-04 02:00"]),
        ("quarterly from february first sunday 02:00", ["2026-08-02 02:00", "2026-11-01 02:00"]),
        ("semiannual day 1 04:00", ["2026-07-01 04:00", "2027-01-01 04:00"]),
        ("yearly 01-01 06:00", ["2027-01-01 06:00", "2028-01-01 06:00"]),
        ("every 5m", ["2026-05-13 12:05", "2026-05-13 12:10"]),
        ("cron: 0 2 * * 0", ["2026-05-17 02:00", "2026-05-24 02:00"]),
    ],
)
def test_a_rule_means_what_it_says(rule: str, expected: list[str]) -> None:
    assert [time[:16] for time in due(rule, "2026-05-13 12:00", 2)] == expected


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("sundey 02:00", "did you mean sunday"),
        ("fist sunday 02:00", "did you mean first"),
        ("first sunday of jam 02:00", "did you mean jan"),
        ("quarterly sunday 02:00", "write which one, such as 'quarterly first sunday 02:00'"),
        ("day 31 02:00", "write 'day last' or a day up to 28"),
        ("yearly 02-29 06:00", "a day up to 28"),
        ("yearly 13-01 06:00", "is not a day of the year"),
        ("sunday 24:00", "is not a time of day"),
        ("sunday", "is not a calendar rule"),
        ("", "is not a calendar rule"),
        ("every 5x", "is not a duration"),
        ("every 10s", "not an interval from 1m to 366d"),
        ("cron: 0 2 * *", "is not a cron line"),
        ("cron: 0 0 31 2 *", "cron line"),
    ],
)
def test_a_rule_that_cannot_be_read_says_why(rule: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        rules.parse(rule)


@pytest.mark.covers("SCH-11")
@pytest.mark.parametrize("rule", ["daily 02:30", "cron: 30 2 * * *"])
def test_a_local_time_that_is_skipped_is_due_once_right_after_the_gap(rule: str) -> None:
    times = due(rule, "2026-03-28 12:00")
    assert times == ["2026-03-29 03:00+02:00", "2026-03-30 02:30+02:00", "2026-03-31 02:30+02:00"]


@pytest.mark.covers("SCH-11")
@pytest.mark.parametrize("rule", ["daily 02:30", "cron: 30 2 * * *"])
def test_a_local_time_that_is_repeated_is_due_once_the_first_time(rule: str) -> None:
    times = due(rule, "2026-10-24 12:00")
    assert times == ["2026-10-25 02:30+02:00", "2026-10-26 02:30+01:00", "2026-10-27 02:30+01:00"]


def test_changes_of_half_an_hour_are_resolved_alike() -> None:
    gap = due("daily 02:15", "2026-10-03 12:00", 2, LORD_HOWE)
    fold = due("daily 01:45", "2026-04-04 12:00", 2, LORD_HOWE)
    assert gap == ["2026-10-04 02:30+11:00", "2026-10-05 02:15+11:00"]
    assert fold == ["2026-04-05 01:45+11:00", "2026-04-06 01:45+10:30"]


def test_a_day_that_a_zone_left_out_is_due_when_the_next_one_begins() -> None:
    assert due("daily 02:00", "2011-12-29 12:00", 2, APIA) == ["2011-12-31 00:00+14:00", "2011-12-31 02:00+14:00"]


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia"])
ERA = (datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2100-01-01"))
_DAYS = """daily; sunday; monday,friday; first sunday; last saturday; day 1; day last; quarterly third tuesday;
semiannual from feb day 28; yearly 12-31; first sunday of mar,oct"""
DAYS = st.sampled_from(_DAYS.split(";"))


@settings(deadline=None)
@given(DAYS, st.times(), st.datetimes(*ERA, timezones=st.just(UTC)), ZONES)
def test_next_is_later_keeps_the_rule_and_skips_nothing(days: str, at: object, after: datetime, zone: str) -> None:
    tz, rule = ZoneInfo(zone), rules.parse(f"{days} {at:%H:%M}")
    assert isinstance(rule, rules.Calendar)
    due = rule.next(after, tz)
    assert due > after
    local = due.astimezone(tz)
    meant = [local.date() - timedelta(days=back) for back in (0, 1)]  # in a gap around midnight the day before is meant
    allowed = {rules.instant(datetime.combine(day, rule.at), tz) for day in meant if _matches(rule, day)}
    assert due in allowed
    missed = (rules.instant(datetime.combine(local.date() - timedelta(days=n), rule.at), tz) for n in range(1, 40))
    lost = [one for n, one in enumerate(missed, 1) if after < one < due and _matches(rule, local.date() - timedelta(days=n))]
    assert not lost


def _matches(rule: rules.Calendar, day: date) -> bool:
    return day.month in rule.months and day in rule.days.dates(day.year, day.month)


@settings(deadline=None)
@given(st.datetimes(*ERA), ZONES)
def test_a_local_time_that_exists_is_resolved_to_itself(local: datetime, zone: str) -> None:
    tz = ZoneInfo(zone)
    resolved = rules.instant(local, tz).astimezone(tz)
    exists = local.replace(tzinfo=tz).astimezone(UTC).astimezone(tz).replace(tzinfo=None, fold=0) == local
    assert (resolved.replace(tzinfo=None, fold=0) == local) if exists else (resolved.replace(tzinfo=None) > local)
    assert resolved.fold == 0
