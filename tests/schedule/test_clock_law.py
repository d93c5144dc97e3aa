"""No change of the clock, in any zone of the world for ten years, doubles or loses a slot: compared with a walk by the minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest

from mainstay.schedule import rules

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
HOUR, MINUTE, AROUND = timedelta(hours=1), timedelta(minutes=1), timedelta(days=2)
RULES = (
    "daily 00:00",
    "daily 00:30",
    "daily 01:30",
    "daily 02:00",
    "daily 02:30",
    "daily 03:00",
    "sunday 02:15",
    "first sunday 02:00",
    "last sunday 01:00",
    "day last 23:45",
)


def changes(zone: ZoneInfo) -> Iterator[tuple[datetime, timedelta]]:
    """Yield the hours before which the offset of a zone changes, and the offset from then on."""
    at, before = START, zone.utcoffset(START.astimezone(zone))
    while at < END:
        offset = at.astimezone(zone).utcoffset()
        assert offset is not None
        if offset != before:
            yield at, offset
            before = offset
        at += HOUR


@cache
def histories() -> dict[object, str]:
    """Map each distinct history of offsets to one of the zones that have it."""
    found: dict[object, str] = {}
    for name in sorted(available_timezones() - {"localtime"}):
        zone = ZoneInfo(name)
        found.setdefault((START.astimezone(zone).utcoffset(), *changes(zone)), name)
    return found


def walked(rule: rules.Rule, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Find what is due by walking: a local time is due at the first minute at which the clock shows it, or has just passed it."""
    assert isinstance(rule, rules.Calendar)
    found, at = [], start
    latest = (start - MINUTE).astimezone(zone).replace(tzinfo=None)
    while at < end:
        local = at.astimezone(zone).replace(tzinfo=None)
        while latest < local:
            latest += MINUTE
            if (
                latest.time() == rule.at
                and latest.month in rule.months
                and latest.date() in rule.days.dates(latest.year, latest.month)
            ):
                found.append(at)
        at += MINUTE
    return found


@pytest.mark.slow
@pytest.mark.covers("SCH-11")
def test_every_zone_keeps_every_rule_through_every_change() -> None:
    compared = doubled = lost = 0
    for name in histories().values():
        zone, parsed = ZoneInfo(name), [rules.parse(text) for text in RULES]
        for change, _ in changes(zone):
            start, end = max(START, change - AROUND), min(END, change + AROUND)
            for rule in parsed:
                expected, found = walked(rule, zone, start, end), list(rule.between(start, end, zone))
                compared += len(expected)
                doubled += len(set(found) - set(expected)) + len(found) - len(set(found))
                lost += len(set(expected) - set(found))
    print(f"{len(histories())} histories, {len(RULES)} rules, {compared:,} slots around changes: {doubled} doubled, {lost} lost")
    assert (doubled, lost) == (0, 0)
    assert compared > 1000


@pytest.mark.slow
def test_away_from_changes_every_slot_is_at_its_local_time() -> None:
    for name in histories().values():
        zone = ZoneInfo(name)
        near = [change for change, _ in changes(zone)]
        for text in RULES:
            rule = rules.parse(text)
            assert isinstance(rule, rules.Calendar)
            found = list(rule.between(START, END, zone))
            days = [due.astimezone(zone).date() for due in found]
            assert days == sorted(set(days)), f"{name}: {text} is due twice on a day"
            off = [due for due in found if due.astimezone(zone).time() != rule.at]
            assert all(any(abs(due - change) <= AROUND for change in near) for due in off), f"{name}: {text}"
