"""What an event gives occasion to tell, and the facts for it; most events give none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from mainstay.engine import agenda
from mainstay.engine.context import Context
from mainstay.ledger import events, queries, runs
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.because import Finding, Level
from mainstay.model.channel import Sort
from mainstay.model.codec import decode, encode
from mainstay.model.run import RunRecord, Status, TaskRecord, Verdict
from mainstay.model.task import Routine, Site, Window
from mainstay.model.units import Duration
from mainstay.schedule.agenda import occurrence

Found: TypeAlias = tuple[Sort, str, dict[str, Any]]  # the sort, the id, and further facts
_TELLING = (events.RUN_STARTED, events.RUN_PARKED, events.RUN_ENDED, events.RUN_REOPENED, events.RUN_SETTLED)
_OVER = (Status.OK, Status.CHANGED, Status.UNDONE)


@dataclass(frozen=True)
class Occasion:
    """Something to tell. `facts` are JSON values; `head` is the hash of the event, which anchors the journal elsewhere."""

    id: str
    sort: Sort
    on: str  # a routine, or whatever it is about
    at: datetime
    facts: dict[str, Any] = field(default_factory=dict)
    until: datetime | None = None
    head: str = ""


def of(context: Context, event: Event) -> Occasion | None:
    """Return what an event gives occasion to tell."""
    if event.kind == events.NOTICE_OWED:
        body = event.body
        until = datetime.fromisoformat(body["until"]) if body.get("until") else None
        return Occasion(event.task, body["sort"], body["on"], event.at, body["facts"], until, event.hash)
    if event.kind == events.EMERGENCY_OPENED:
        facts = {"emergency": {"id": event.run, **event.body}}
        return Occasion(f"emergency:{event.run}", "emergency", event.run, event.at, facts, None, event.hash)
    if event.kind == events.ROUTINE_PREPARED:
        return _unprepared(event)
    if event.kind in (events.EMERGENCY_ESCALATED, events.RUN_ESCALATED):
        facts = {"escalated": {"id": event.run, "after": str(Duration(event.body["after"])), "to": event.body["to"]}}
        return Occasion(f"escalated:{event.run}:{event.seq}", "emergency", event.run, event.at, facts, None, event.hash)
    if event.kind == events.TARGET_TURNED:
        return _turned(event)
    if event.kind == events.ALERT_TESTED:
        return Occasion(f"drill:{event.seq}", "drill", event.task, event.at, event.body, None, event.hash)
    if event.kind not in _TELLING:
        return None
    history = [one for one in context.journal.events(run=event.run) if one.seq <= event.seq]
    record = runs.fold(history)
    found = _of_run(context, history, record)
    if found is None:
        return None
    sort, id, facts = found
    told = {**progress(record), **facts, "next_slot": _next_slot(context, record.routine, event.at)}
    return Occasion(id, sort, record.routine, event.at, encode(told), None, event.hash)


def _turned(event: Event) -> Occasion:
    """Tell that a target turned critical, with what was found, or that it is in order again."""
    found = [str(decode(Finding, one)) for one in event.body["findings"]]
    facts = {"critical": event.body["critical"], "findings": found}
    return Occasion(f"check:{event.task}:{event.seq}", "check", event.task, event.at, facts, None, event.hash)


def _unprepared(event: Event) -> Occasion | None:
    """Tell once a slot that its preparation finds something against it, while that can still be mended."""
    body = event.body
    if body["go"] or not body["slot"]:
        return None
    wrong = [decode(Finding, one) for one in body["findings"]]
    told = [str(one) for one in wrong if one.level >= Level.CRITICAL]
    facts = {"prepared": True, "slot": body["slot"]["start"], "because": f"{len(told)} to mend", "findings": told}
    until = datetime.fromisoformat(body["slot"]["end"])
    facts |= {"next_slot": None, "run": ""}
    return Occasion(f"prepared:{body['occurrence']}", "refused", body["routine"], event.at, facts, until, event.hash)


def progress(record: RunRecord) -> dict[str, Any]:
    """Return how far a run is, or how it ended."""
    tasks = [task for task in record.tasks if not task.bracket]
    now = next((task for task in tasks if task.status in (Status.RUNNING, Status.WAITING)), None)
    return {
        "run": record.id,
        "status": record.status,
        "because": record.because,
        "began": record.began,
        "ended": record.ended,
        "took": str(record.took) if record.took is not None else "",
        "done": sum(task.status in _OVER for task in tasks),
        "total": len(tasks),
        "at_work": now.id if now else "",
        "at_work_since": now.began if now else None,
        "tasks": [{"id": task.id, "status": task.status, "because": task.because} for task in tasks],
        "findings": list(_findings((*record.tasks, *record.checks))),
        "taken_back": record.turned,
        "watch": str(record.watch) if record.watch else "",
        "advised": record.watched.next,
        "checks": len(record.checks),
    }


def _of_run(context: Context, history: list[Event], record: RunRecord) -> Found | None:
    event, emergency = history[-1], history[0].body.get("emergency")
    if event.kind == events.RUN_STARTED:
        return ("emergency", f"emergency:{record.id}", {"emergency": emergency}) if emergency else None
    if event.kind == events.RUN_PARKED:
        return "waiting", f"waiting:{record.id}:{event.seq}", {"item": event.task}
    if event.kind == events.RUN_SETTLED:
        mended = bool(record.watched.reopened and event.body.get("watched"))
        watched = record.watch and record.ended and (record.verdict is Verdict.PASS or mended) and not record.turned
        return _all_clear(context, record, announced=bool(emergency) or mended) if watched else None
    if event.kind == events.RUN_REOPENED:
        return "degraded", f"reopened:{record.id}:{event.seq}", {}
    if record.status is Status.REFUSED:
        return _refused(context, record)
    if record.verdict is Verdict.PASS:
        return _passed(context, record, announced=bool(emergency))
    sort: Sort = "cancelled" if record.status is Status.CANCELLED else "degraded"
    return sort if record.verdict is Verdict.DEGRADED else "failed", f"ended:{record.id}:{event.seq}", {}


def _passed(context: Context, record: RunRecord, *, announced: bool) -> Found | None:
    """Tell at once what needs no watching; else say so where people wait, and tell the all-clear when the watch is over."""
    if not record.watch:
        return _all_clear(context, record, announced=announced)
    watched = announced or _announced(context.site, record.routine)
    return ("status", f"watched:{record.id}", {"watched": True}) if watched else None


def _all_clear(context: Context, record: RunRecord, *, announced: bool) -> Found | None:
    """Tell those who were told before, or whose last run ended badly; a daily run that is well disturbs nobody."""
    recovered = _recovered(context.journal, record)
    if announced or recovered or _announced(context.site, record.routine):
        return "all_clear", f"all_clear:{record.id}", {"recovered": recovered}
    return None


def _announced(site: Site, routine: str) -> bool:
    window = window_of(site, routine)
    return window is not None and bool(window.notices or window.status)


def _recovered(journal: Journal, record: RunRecord) -> bool:
    earlier = (run for run in queries.of_routine(journal, record.routine, 10) if run.began < record.began)
    last = next((run for run in earlier if run.status is not Status.REFUSED), None)
    return last is not None and last.verdict not in (None, Verdict.PASS)


def _refused(context: Context, record: RunRecord) -> Found | None:
    """Tell once a slot that a scheduled run may not start; outside of slots, a timer that fires too often is no news.

    Of an emergency everybody was told that work begins: that it does not is told as well.
    """
    if record.emergency:
        return "refused", f"refused:{record.id}", {"slot": None}
    known, routine = agenda.of(context, record.began, record.began), context.site.routines.get(record.routine)
    slot = known.at(routine, record.began) if routine and not record.attended else None
    if slot is None or routine is None or known.replaced(routine, slot):
        return None
    key = occurrence(record.routine, slot.start)
    return None if _claimed(context.journal, key) else ("refused", f"refused:{key}", {"slot": slot.start})


def _claimed(journal: Journal, key: str) -> bool:
    return any(event.body.get("occurrence") == key for event in journal.events(kinds=(events.OCCURRENCE_CLAIMED,)))


def window_of(site: Site, routine: str) -> Window | None:
    """Return the window of a routine; None for a single task, or a routine that is no longer there."""
    known: Routine | None = site.routines.get(routine)
    return site.windows.get(known.window) if known else None


def _next_slot(context: Context, routine: str, after: datetime) -> datetime | None:
    """Return when the routine is due next, another one's day left out."""
    known, found = agenda.of(context, after, after), context.site.routines.get(routine)
    for _ in range(10 if found else 0):
        assert found
        slot = known.following(found, after)
        if slot is None or not known.replaced(found, slot):
            return slot.start if slot else None
        after = slot.start
    return None


def _findings(tasks: tuple[TaskRecord, ...]) -> Iterator[str]:
    for task in tasks:
        yield from (str(finding) for finding in task.findings if finding.level > Level.OK)
