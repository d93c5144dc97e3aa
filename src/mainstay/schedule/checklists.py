"""When a checklist is due: by a rule of its own, or by the slots of a window."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.model.checklist import Due
from mainstay.model.task import Window
from mainstay.schedule import rules

_LOOK_BACK = (2, 9, 40, 400)  # days
_INSTANT = timedelta(microseconds=1)


def last_due(due: Due, windows: dict[str, Window], now: datetime, tz: ZoneInfo) -> datetime | None:
    """Return the newest moment at which it was due, in UTC; None when that is more than a year ago."""
    rule, offset = _rule(due, windows)
    until = now - offset + _INSTANT
    for days in _LOOK_BACK:
        found = list(rule.between(until - timedelta(days=days), until, tz))
        if found:
            return found[-1] + offset
    return None


def next_due(due: Due, windows: dict[str, Window], now: datetime, tz: ZoneInfo) -> datetime:
    """Return the next moment at which it is due, in UTC."""
    rule, offset = _rule(due, windows)
    return rule.next(now - offset, tz) + offset


def _rule(due: Due, windows: dict[str, Window]) -> tuple[rules.Rule, timedelta]:
    """Return the rule that it follows, and how far it is from that."""
    lead = timedelta(seconds=-due.lead)
    if due.rule:
        return rules.parse(due.rule), lead
    window = windows[due.before or due.after]
    return rules.parse(window.rule), lead + timedelta(seconds=window.length if due.after else 0)
