"""What people add to the calendar: blackouts, and slots that the rules of no window have."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from mainstay.engine import agenda
from mainstay.engine.context import Context
from mainstay.ledger import events, queries
from mainstay.model.codec import encode
from mainstay.model.errors import Refused
from mainstay.schedule.agenda import Announced
from mainstay.schedule.blackouts import Span
from mainstay.system import clock


class Announcements:
    """The announcements of a site."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def add_blackout(self, span: Span, by: str) -> None:
        """Announce a blackout; the same name again changes it. Refused for one that the configuration has, or that is over."""
        if span.name in self._context.site.blackouts:
            origin = self._context.site.blackouts[span.name].origin
            raise Refused("the configuration has a blackout of that name", on=span.name, because=str(origin), next="take another")
        if span.end <= max(span.start, clock.now()):
            ends = span.end.astimezone(ZoneInfo(self._context.site.timezone))
            raise Refused("that blackout is over before it begins", on=span.name, because=f"it ends {ends:%Y-%m-%d %H:%M %Z}")
        self._context.journal.append(events.BLACKOUT_ADDED, {"span": encode(span), "by": by})

    def remove_blackout(self, name: str, by: str, text: str) -> None:
        """End a blackout that a person added."""
        if name not in {one.name for one in queries.blackouts(self._context.journal)}:
            line = self._context.site.blackouts[name].origin if name in self._context.site.blackouts else None
            why = f"the configuration has it ({line})" if line else "nobody has added one of that name"
            raise Refused("it cannot be removed", on=name, because=why, next="mainstay blackout list")
        self._context.journal.append(events.BLACKOUT_REMOVED, {"name": name, "by": by, "text": text})

    def announce(self, slot: Announced) -> None:
        """Announce a slot of a routine, or move it; Refused in the past, and where a blackout forbids what it allows."""
        routine = self._context.site.routines.get(slot.routine)
        if routine is None:
            raise Refused("no routine works in that slot", on=slot.id, because=f"there is no {slot.routine} any more")
        known = agenda.of(self._context, slot.start, slot.end)
        if slot.start <= clock.now():
            raise Refused(
                "a slot is announced before it begins", on=slot.id, next="to work now: mainstay run, without --scheduled"
            )
        if span := known.forbidding(routine, slot.slot):
            raise Refused(
                "a blackout is in the way", on=slot.id, because=str(span.because(known.zone)), next="mainstay blackout list"
            )
        self._context.journal.append(events.WINDOW_ANNOUNCED, {"window": encode(slot)})

    def withdraw(self, id: str, by: str, text: str) -> Announced:
        """Take back an announced slot that has not begun."""
        found = self.announced(id)
        if found.start <= clock.now():
            raise Refused("the slot has begun", on=id, next="mainstay cancel RUN")
        self._context.journal.append(events.WINDOW_WITHDRAWN, {"id": id, "by": by, "text": text})
        return found

    def announced(self, id: str) -> Announced:
        """Return an announced slot."""
        found = {one.id: one for one in queries.announced(self._context.journal)}
        if id not in found:
            raise Refused("no such slot was announced", on=id, because=f"announced: {', '.join(found) or 'none'}")
        return found[id]
