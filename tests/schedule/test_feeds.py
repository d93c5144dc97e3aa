"""Events of iCalendar files as calendar programs write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstay.schedule.feeds import events

NEW_YORK = ZoneInfo("America/New_York")
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n"
ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\n"
    "TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:19700329T020000\r\n"
    "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
)


def feed(*found: str) -> str:
    made = [
        f"BEGIN:VEVENT\r\nUID:{number}\r\nDTSTAMP:20260101T000000Z\r\n{text}\r\nEND:VEVENT\r\n"
        for number, text in enumerate(found)
    ]
    return f"{HEAD}{ZONE}{''.join(made)}END:VCALENDAR\r\n"


def covered(text: str, match: str = "") -> list[tuple[str, str]]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = sorted(events(text, match, start, start + timedelta(days=365), NEW_YORK))
    return [(f"{first:%m-%d %H:%M}", f"{last:%m-%d %H:%M}") for first, last in found]


@pytest.mark.parametrize(
    ("event", "found"),
    [
        ("DTSTART:20260701T080000Z\r\nDTEND:20260701T170000Z", [("07-01 08:00", "07-01 17:00")]),
        ("DTSTART;VALUE=DATE:20260701\r\nDTEND;VALUE=DATE:20260703", [("07-01 04:00", "07-03 04:00")]),
        ("DTSTART;VALUE=DATE:20260701", [("07-01 04:00", "07-02 04:00")]),
        ("DTSTART;TZID=Europe/Berlin:20260701T080000\r\nDURATION:PT2H", [("07-01 06:00", "07-01 08:00")]),
        ("DTSTART:20260701T080000\r\nDTEND:20260701T090000", [("07-01 12:00", "07-01 13:00")]),
        ("DTSTART:20250101T080000Z\r\nDTEND:20250101T090000Z\r\nRRULE:FREQ=MONTHLY;BYDAY=1MO;UNTIL=20260301T000000Z",
         [("01-05 08:00", "01-05 09:00"), ("02-02 08:00", "02-02 09:00")]),
        ("DTSTART:20260105T080000Z\r\nDTEND:20260105T090000Z\r\nRRULE:FREQ=DAILY;COUNT=3\r\nEXDATE:20260106T080000Z",
         [("01-05 08:00", "01-05 09:00"), ("01-07 08:00", "01-07 09:00")]),
        ("STATUS:CANCELLED\r\nDTSTART:20260701T080000Z\r\nDTEND:20260701T170000Z", []),
    ],
)  # fmt: skip
def test_what_an_event_covers(event: str, found: list[tuple[str, str]]) -> None:
    assert covered(feed(event)) == found


def test_only_events_with_the_text_count_in_any_case() -> None:
    both = feed(
        "SUMMARY:ACGME Survey visit\r\nDTSTART:20260701T080000Z\r\nDTEND:20260701T090000Z",
        "SUMMARY:lunch\r\nDTSTART:20260702T080000Z\r\nDTEND:20260702T090000Z",
    )
    assert covered(both, "acgme survey") == [("07-01 08:00", "07-01 09:00")]


@pytest.mark.parametrize("text", ["", "<html>sign in</html>", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"])
def test_what_is_no_calendar_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        covered(text)
