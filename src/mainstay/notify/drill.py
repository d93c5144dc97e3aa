"""Test the way of an alert, end to end: a synthetic one through every channel, and a person who says that it was heard."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from mainstay.engine.context import Context
from mainstay.ledger import drills, events
from mainstay.ledger.drills import Drill
from mainstay.model.errors import Refused
from mainstay.model.notice import Delivery
from mainstay.model.units import Duration
from mainstay.notify import urgent
from mainstay.system import clock

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is read as another
_LENGTH = 6


@dataclass(frozen=True)
class Tested:
    """What became of the test of one channel: its deliveries, each with the receipt or the reason."""

    drill: Drill
    deliveries: tuple[Delivery, ...]

    @property
    def taken(self) -> bool:
        """Whether the other side has it, for every recipient."""
        return bool(self.deliveries) and all(one.state == "sent" for one in self.deliveries)


def begin(context: Context, channels: Iterable[str], by: str, within: Duration) -> list[Tested]:
    """Send a synthetic alert through each channel as every other goes, and return what became of it within this time."""
    for name in channels:
        code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        confirmed = context.site.channels[name].shape.confirm or Duration(0)
        body = {"channel": name, "code": code, "by": by, "within": confirmed}
        context.journal.append(events.ALERT_TESTED, body, task=name)
    newest = drills.newest(context.journal)
    begun = [newest[name] for name in channels]
    outbox = urgent.offer(context, [one.notice for one in begun], within)
    return [Tested(one, tuple(outbox.of(one.notice))) for one in begun]


def heard(context: Context, code: str, by: str) -> Drill:
    """Write down that a person has read the code of a test; Refused when there is no such test, or it was said before."""
    code = code.strip().upper()
    found = drills.all_of(context.journal).get(code)
    if found is None:
        raise Refused("no alert had that code", on=code, next="read it again; a new one: mainstay notify drill")
    if found.heard:
        raise Refused("it was said before", on=code, because=f"{found.heard_by} heard it at {found.heard:%Y-%m-%d %H:%M} UTC")
    context.journal.append(events.ALERT_HEARD, {"code": code, "by": by}, task=found.channel)
    return drills.all_of(context.journal)[code]


def unheard(context: Context) -> list[Drill]:
    """Return the newest test of each channel of which nobody has said the code in time."""
    newest, now = drills.newest(context.journal), clock.now()
    return [newest[name] for name in context.site.channels if name in newest and newest[name].unheard(now)]
