"""The last message that a channel may send in an hour holds everything that waits: less is sent, and nothing is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import takewhile

from mainstay.model.channel import Sort
from mainstay.model.notice import Delivery, Notice
from mainstay.report.document import clean

MOST = 20  # notices of one digest
_SUBJECT = 150
_GRAVEST: tuple[Sort, ...] = ("failed", "refused", "waiting", "degraded", "cancelled", "overrun", "status")


def batch(owed: Sequence[Delivery], room: int, *, hurry: bool = False) -> list[Delivery]:
    """Return what goes into the next message of a lane: the oldest, or with the last message of the hour all that wait.

    An emergency waits for nobody's limit, and in a `hurry` for nothing else either. An invitation is sent by itself: calendar
    programs read one to a message.
    """
    urgent = next((one for one in owed if one.notice.sort == "emergency"), None)
    if urgent and (hurry or room <= 1):
        return [urgent]
    if room > 1 or not owed:
        return list(owed[:1])
    together = list(takewhile(lambda one: not one.notice.invitation, owed[:MOST]))
    return (together or list(owed[:1])) if room == 1 else []


def together(site: str, found: Sequence[Notice]) -> Notice:
    """Return one notice that holds several, the list of them first; its name is made of theirs."""
    if len(found) == 1:
        return found[0]
    id = hashlib.sha256("\n".join(one.id for one in found).encode()).hexdigest()[:32]
    sorts = {one.sort for one in found}
    sort = next((one for one in _GRAVEST if one in sorts), found[0].sort)
    subject = clean(f"{site}: {len(found)} notices, the first: {found[0].subject.removeprefix(f'{site}: ')}", _SUBJECT)
    heads = [f"{one.at:%Y-%m-%d %H:%M} UTC  {one.subject}" for one in found]
    parts = [f"\n== {one.subject}\n{one.text}" for one in found]
    text = "\n".join(["Many notices in one hour are sent as one.", "", *heads, *parts])
    return Notice(f"digest:{id}", sort, found[-1].at, subject, text, of=tuple(one.id for one in found))
