"""Tests of the alert path in the journal: one for each channel, and whether a person said that it was heard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mainstay.ledger import events
from mainstay.ledger.journal import Journal
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Drill:
    """A synthetic alert that went into a channel. With `within`, a person has to say its code in that time."""

    seq: int
    at: datetime
    channel: str
    code: str
    by: str
    within: Duration = Duration(0)
    heard: datetime | None = None
    heard_by: str = ""

    @property
    def notice(self) -> str:
        """The id of its notice."""
        return f"drill:{self.seq}"

    @property
    def until(self) -> datetime:
        """By when a person has to have heard it."""
        return self.at + timedelta(seconds=self.within)

    def unheard(self, now: datetime) -> bool:
        """Tell whether a person should have said the code by now, and nobody has."""
        return bool(self.within) and self.heard is None and self.until < now


def newest(journal: Journal) -> dict[str, Drill]:
    """Return the newest one of each channel."""
    return {one.channel: one for one in all_of(journal).values()}


def all_of(journal: Journal) -> dict[str, Drill]:
    """Return every one by its code, the oldest first."""
    found: dict[str, Drill] = {}
    for event in journal.events(kinds=(events.ALERT_TESTED, events.ALERT_HEARD)):
        body, code = event.body, event.body["code"]
        if event.kind == events.ALERT_TESTED:
            found[code] = Drill(event.seq, event.at, body["channel"], code, body["by"], Duration(body["within"]))
        elif code in found and not found[code].heard:
            found[code] = replace(found[code], heard=event.at, heard_by=body["by"])
    return found
