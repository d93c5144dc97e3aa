"""Phases laid out over a slot: each begins when those before it are to have ended, and not earlier than it says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.model.phase import Phase, PhaseRecord
from mainstay.model.units import Duration
from mainstay.schedule import leads, rules

_DAY = timedelta(days=1)


def check(text: str) -> None:
    """Raise ValueError unless a beginning can be read."""
    _offset(text) if text.startswith("+") else leads.clock(text)


def earliest(text: str, opens: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the earliest beginning in a slot that opens at an instant; a local time is the first such one from then on."""
    if not text:
        return None
    if text.startswith("+"):
        return opens + timedelta(seconds=_offset(text))
    day = opens.astimezone(zone).date()
    found = rules.instant(datetime.combine(day, leads.clock(text)), zone)
    return found if found >= opens.astimezone(UTC) else rules.instant(datetime.combine(day + _DAY, leads.clock(text)), zone)


def laid_out(phases: Iterable[Phase], opens: datetime, zone: ZoneInfo | None) -> tuple[PhaseRecord, ...]:
    """Return when each phase is to begin and to end; without a zone there is no slot, and nobody waits for a clock."""
    found: list[PhaseRecord] = []
    free = opens
    for phase in phases:
        not_before = earliest(phase.start, opens, zone) if zone else None
        begins = max(free, not_before) if not_before else free
        free = begins + timedelta(seconds=phase.budget)
        found.append(PhaseRecord(phase.name, phase.tasks, phase.after, begins, free, not_before))
    return tuple(found)


def length(phases: Iterable[Phase], rule: str) -> Duration:
    """Return how long phases last from the opening of a slot of a rule, by the clock on the wall."""
    zone = ZoneInfo("UTC")
    opens = rules.parse(rule).next(datetime(2026, 1, 1, tzinfo=UTC), zone)
    ends = [one.ends for one in laid_out(phases, opens, zone)]
    return Duration((max(ends, default=opens) - opens).total_seconds())


def _offset(text: str) -> Duration:
    try:
        return Duration.parse(text[1:])
    except ValueError:
        raise ValueError(f"{text!r} is no beginning: write a time of day such as 02:30, or an offset such as +30m") from None
