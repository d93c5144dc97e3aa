"""Typed questions to the journal."""

from __future__ import annotations

from datetime import datetime

from mainstay.ledger import database, events, runs
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.codec import decode
from mainstay.model.run import RunRecord
from mainstay.model.units import Duration
from mainstay.schedule.agenda import Announced
from mainstay.schedule.blackouts import Span

HISTORY = 30  # how many earlier runs a forecast looks at
_UNDOS = 300  # acts that took something back


def unsettled(journal: Journal) -> list[RunRecord]:
    """Return the runs of which something may still be owed, oldest first."""
    return [_record(journal, event.run) for event in journal.ask(database.query("unsettled"))]


def recent(journal: Journal, count: int) -> list[RunRecord]:
    """Return the newest runs, newest first."""
    return [_record(journal, event.run) for event in journal.ask(database.query("recent_runs"), count)]


def of_routine(journal: Journal, routine: str, count: int) -> list[RunRecord]:
    """Return the newest runs of a routine, newest first."""
    return [_record(journal, event.run) for event in journal.ask(database.query("runs_of"), routine, count)]


def held(journal: Journal) -> frozenset[str]:
    """Return the names that nothing may delete now: a run that is not settled needs them for its undo."""
    steps = (step for run in unsettled(journal) for task in run.tasks for step in task.steps)
    return frozenset(name for step in steps for name in step.step.holds)


def proven(journal: Journal, target: str) -> datetime | None:
    """Return when the copy of a target was made that was last proven restorable, or None."""
    found = journal.ask(database.query("proofs"), target)
    if not found:
        return None
    copied = found[0].body.get("copied")  # an earlier version did not write it down
    return datetime.fromisoformat(copied) if copied else found[0].at


def durations(journal: Journal, task: str) -> list[Duration]:
    """Return how long a task took when it last did something, newest first."""
    return [Duration(event.body["took"]) for event in journal.ask(database.query("durations"), task, HISTORY)]


def step_durations(journal: Journal, task: str, action: str) -> list[Duration]:
    """Return how long an act of a task took when it was done, newest first."""
    return [Duration(event.body["took"]) for event in journal.ask(database.query("steps"), task, action, HISTORY)]


def undone(journal: Journal, routine: str) -> list[Event]:
    """Return the endings of the acts that took something back in the runs of a routine, newest first."""
    return journal.ask(database.query("rollbacks"), routine, _UNDOS)


def blackouts(journal: Journal) -> list[Span]:
    """Return the blackouts that people added and did not remove, in the order of their names."""
    found: dict[str, Span] = {}
    for event in journal.events(kinds=(events.BLACKOUT_ADDED, events.BLACKOUT_REMOVED)):
        if event.kind == events.BLACKOUT_ADDED:
            found[event.body["span"]["name"]] = decode(Span, event.body["span"])
        else:
            found.pop(event.body["name"], None)
    return [found[name] for name in sorted(found)]


def announced(journal: Journal) -> list[Announced]:
    """Return the slots that people announced and did not withdraw, by their beginning."""
    found: dict[str, Announced] = {}
    for event in journal.events(kinds=(events.WINDOW_ANNOUNCED, events.WINDOW_WITHDRAWN)):
        if event.kind == events.WINDOW_ANNOUNCED:
            found[event.body["window"]["id"]] = decode(Announced, event.body["window"])
        else:
            found.pop(event.body["id"], None)
    return sorted(found.values(), key=lambda one: one.start)


def claimed(journal: Journal, occurrence: str) -> bool:
    """Return whether somebody has claimed an occurrence, by the name that `schedule.agenda.occurrence` gives it."""
    return bool(journal.ask(database.query("claims"), occurrence))


def access(journal: Journal, count: int) -> list[Event]:
    """Return what other users asked a service for, newest first."""
    return journal.ask(database.query("access"), count)


def _record(journal: Journal, run: str) -> RunRecord:
    return runs.fold(journal.events(run=run))
