"""Emergencies in the journal: their ids, and what their events amount to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from mainstay.ledger import database, events
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.codec import decode
from mainstay.model.emergency import Emergency, Escalated, Evidence, FollowUp, Mode, Said, Severity
from mainstay.model.errors import Refused
from mainstay.model.units import Duration

_TRIES = 100  # others who open one in the same moment


def claim(journal: Journal, year: int) -> str:
    """Return an id that nobody else has or gets: EM-2026-001 and so on. One whose owner died before using it is left out."""
    prefix = f"EM-{year}-"
    for _ in range(_TRIES):
        newest = journal.ask(database.query("newest_emergency_id"), f"{prefix}%")
        number = int(newest[0].run.removeprefix(prefix)) + 1 if newest else 1
        id = f"{prefix}{number:03d}"
        try:
            journal.append(events.OCCURRENCE_CLAIMED, {"occurrence": id}, run=id)
        except Refused:
            continue  # another process was faster: the next one
        return id
    raise Refused("no id for the emergency", because="others take every one", next="try again")


def load(journal: Journal, id: str) -> Emergency | None:
    """Return an emergency, or None when the journal has none of that id."""
    return fold(journal.events(run=id))


def newest(journal: Journal, count: int) -> list[Emergency]:
    """Return the newest emergencies, newest first."""
    return _folded(journal, journal.ask(database.query("emergencies"), count))


def still_open(journal: Journal) -> list[Emergency]:
    """Return those that nobody has closed, oldest first."""
    return _folded(journal, journal.ask(database.query("open_emergencies")))


def between(journal: Journal, since: datetime, until: datetime) -> list[Event]:
    """Return every event of a span."""
    return journal.ask(database.query("span"), since.isoformat(), until.isoformat())


def fold(of_one: Iterable[Event]) -> Emergency | None:
    """Return what the events of one emergency amount to; None before it was opened."""
    found: Emergency | None = None
    for event in of_one:
        if event.kind == events.EMERGENCY_OPENED and found is None:
            found = _opened(event)
        elif found and event.kind in _CHANGES:
            found = _CHANGES[event.kind](found, event)
    return found


def _folded(journal: Journal, opened: Iterable[Event]) -> list[Emergency]:
    return [one for event in opened if (one := load(journal, event.run))]


def _opened(event: Event) -> Emergency:
    body = event.body
    severity = Severity(body["severity"])
    return Emergency(event.run, severity, body["reason"], event.at, body["by"], body["because"], body["contacts"])


def _evidence(found: Emergency, event: Event) -> Emergency:
    return replace(found, evidence=(*found.evidence, decode(Evidence, event.body)))


def _told(found: Emergency, event: Event) -> Emergency:
    return replace(found, told=event.body["text"])


def _noted(found: Emergency, event: Event) -> Emergency:
    return replace(found, said=(*found.said, Said(event.at, event.body["by"], event.body["text"])))


def _phase(found: Emergency, event: Event) -> Emergency:
    body = event.body
    return replace(found, said=(*found.said, Said(event.at, body["by"], body["text"], body["phase"], body["owner"])))


def _escalated(found: Emergency, event: Event) -> Emergency:
    told = Escalated(event.at, Duration(event.body["after"]), event.body["to"])
    return replace(found, escalated=(*found.escalated, told))


def _mode_on(found: Emergency, event: Event) -> Emergency:
    body = event.body
    return replace(found, mode=Mode(event.at, body["by"], tuple(body["modes"]), Duration(body["lasts"])), thawed=False)


def _closed(found: Emergency, event: Event) -> Emergency:
    if found.closed:
        return found  # two people closed it at once: the first has
    body = event.body
    version = body.get("configuration", "")  # an earlier version of Mainstay did not write it down
    left = tuple(FollowUp(number, text, configuration=version) for number, text in enumerate(body["follow_ups"], 1))
    return replace(found, closed=event.at, closed_by=body["by"], resolution=body["resolution"], follow_ups=left)


def _followed(found: Emergency, event: Event) -> Emergency:
    body = event.body
    done = (
        replace(one, done=event.at, by=body["by"], remark=body["remark"], done_under=body.get("configuration", ""))
        if one.number == body["number"] and not one.done
        else one
        for one in found.follow_ups
    )
    return replace(found, follow_ups=tuple(done))


_CHANGES: dict[str, Callable[[Emergency, Event], Emergency]] = {
    events.EMERGENCY_EVIDENCE: _evidence,
    events.EMERGENCY_TOLD: _told,
    events.EMERGENCY_NOTED: _noted,
    events.EMERGENCY_PHASE: _phase,
    events.EMERGENCY_ESCALATED: _escalated,
    events.EMERGENCY_MODE_ON: _mode_on,
    events.EMERGENCY_MODE_OFF: lambda found, _: replace(found, mode=None, thawed=True),
    events.EMERGENCY_CLOSED: _closed,
    events.EMERGENCY_FOLLOWED: _followed,
}
