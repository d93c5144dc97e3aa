"""iCalendar (RFC 5545): what its events cover."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mainstay.schedule.blackouts import Stretch, midnight

_DAY = timedelta(days=1)


def events(text: str, match: str, start: datetime, end: datetime, tz: ZoneInfo) -> Iterator[Stretch]:
    """Yield what the events cover whose summary has `match` in it, as far as they overlap [start, end), repetitions included.

    An event that was cancelled is none; whole days are local ones, and so is a time without a zone. ValueError when this is no
    calendar.
    """
    import recurring_ical_events
    from icalendar import Calendar

    calendar = Calendar.from_ical(text)
    for event in recurring_ical_events.of(calendar).between(start, end):
        if str(event.get("STATUS", "")).upper() != "CANCELLED" and match.casefold() in str(event.get("SUMMARY", "")).casefold():
            yield _covered(event, tz)


def require_calendar(text: str) -> None:
    """Raise ValueError when this is no calendar."""
    from icalendar import Calendar

    Calendar.from_ical(text)


def _covered(event: Any, tz: ZoneInfo) -> Stretch:
    start, end = event["DTSTART"].dt, event["DTEND"].dt if "DTEND" in event else None
    if end is None:
        end = start + (event["DURATION"].dt if "DURATION" in event else timedelta(0) if isinstance(start, datetime) else _DAY)
    return _instant(start, tz), _instant(end, tz)


def _instant(value: date, tz: ZoneInfo) -> datetime:
    if not isinstance(value, datetime):
        return midnight(value, tz)
    return (value if value.tzinfo else value.replace(tzinfo=tz)).astimezone(UTC)
