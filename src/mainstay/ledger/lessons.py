"""Runbooks that are to be brought up to date: after an emergency, and after a drill, until somebody signs that it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.ledger import database, emergencies, events
from mainstay.ledger.journal import Journal

RUNBOOK = "update the runbook with what this emergency has taught"
PROCEDURE = "update the runbook with what this drill has taught"


@dataclass(frozen=True)
class Lesson:
    """Something that is left to do after an emergency or a drill; `configuration` is the version that was in force then."""

    id: str
    number: int
    text: str
    at: datetime
    configuration: str = ""


def left(journal: Journal) -> list[Lesson]:
    """Return everything that nobody has signed, the oldest first."""
    closed = journal.events(kinds=(events.EMERGENCY_CLOSED,))
    burnt = (emergencies.load(journal, id) for id in dict.fromkeys(event.run for event in closed))
    found = [
        Lesson(one.id, item.number, item.text, one.closed or one.opened, item.configuration)
        for one in burnt
        for item in (one.follow_ups if one else ())
        if one and not item.done
    ]
    return sorted([*found, *_drills(journal)], key=lambda one: one.at)


def of_run(journal: Journal, run: str) -> Lesson | None:
    """Return what a drill has left to do, and nobody has signed."""
    return next((one for one in _drills(journal) if one.id == run), None)


def _drills(journal: Journal) -> list[Lesson]:
    found = journal.ask(database.query("lessons"))
    return [Lesson(event.run, 1, event.body["text"], event.at, event.body["configuration"]) for event in found]
