"""Notices that were promised before a slot, and not delivered in time: a warning, or a reason not to start."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.engine.context import Context
from mainstay.engine.drive import Drive
from mainstay.ledger import events, told
from mainstay.model.because import Because, because
from mainstay.model.errors import Refused
from mainstay.model.task import Routine, Slot
from mainstay.schedule import leads
from mainstay.schedule.agenda import occurrence
from mainstay.system import clock

_LEAST = timedelta(minutes=15)
_SHARE = 10  # a tenth of its lead time may a notice be late


def broken(context: Context, routine: Routine, slot: Slot) -> list[Because]:
    """Return the notices of a slot that should have been delivered by now, and were not, or too late."""
    window = context.site.windows.get(routine.window)
    if window is None or not window.notices:
        return []
    known = told.leads(context.site.state, occurrence(routine.name, slot.start))
    zone, now = ZoneInfo(context.site.timezone), clock.now()
    due = ((lead, lead.before(slot.start, zone)) for lead in map(leads.parse, window.notices))
    return [why.at(window.origin) for lead, instant in due for why in _why(lead.text, instant, slot, known.get(instant), now)]


def hold(drive: Drive, slot: Slot) -> None:
    """Refuse a scheduled run of which people were not told as its window promises, or have the run say so."""
    missing = broken(drive.context, drive.routine, slot)
    if not missing:
        return
    told = "; ".join(map(str, missing))
    if drive.context.site.windows[drive.routine.window].untold == "block":
        next = "mainstay notify list; start it by hand, or write `untold: warn`"
        raise Refused("people were not told in time", on=drive.routine.name, because=told, next=next)
    drive.write(events.RUN_NOTED, {"by": "mainstay", "text": f"people were not told in time: {told}"})


def _why(text: str, instant: datetime, slot: Slot, sent: datetime | None, now: datetime) -> Iterator[Because]:
    latest = instant + max(_LEAST, (slot.start - instant) / _SHARE)
    if latest < (sent or now):
        shown = f"delivered too late, {sent:%Y-%m-%d %H:%M} UTC" if sent else "never delivered"
        yield because(f"notice promised for {text}", shown)
