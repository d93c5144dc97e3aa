"""Collect how things stand: every target is looked at now, the rest is in the journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from mainstay import config
from mainstay.engine import owed
from mainstay.engine.context import Context
from mainstay.ledger import emergencies, events, queries
from mainstay.model.because import Finding, Level
from mainstay.model.run import RunRecord, Status, TaskRecord, Verdict
from mainstay.model.situation import Change, RecentRun, Situation
from mainstay.system import clock

_RUNS = 200
_MARKS = {
    events.BLACKOUT_ADDED: "blackout added",
    events.BLACKOUT_REMOVED: "blackout removed",
    events.WINDOW_ANNOUNCED: "slot announced",
    events.WINDOW_WITHDRAWN: "slot withdrawn",
    events.SERVE_STARTED: "service started",
    events.SERVE_STOPPED: "service stopped",
    events.SERVE_RELOADED: "configuration taken by the service",
    events.SERVE_RELOAD_REFUSED: "configuration refused by the service",
    events.LEDGER_REPAIRED: "ledger repaired",
}


def collect(context: Context, since: datetime, looks: Sequence[TaskRecord]) -> Situation:
    """Return what the looks and the journal show; what the outbox holds is for the caller to add."""
    open_runs = queries.unsettled(context.journal)
    recent = [run for run in queries.recent(context.journal, _RUNS) if run.began >= since]
    told = [_run(run) for run in recent if _matters(run)]
    return Situation(
        site=context.site.name,
        at=clock.now(),
        since=since,
        looked=len(looks),
        red=tuple(sorted(_red(looks), key=lambda one: -one.level)),
        runs=tuple(told),
        changes=tuple(sorted(_changes(context, since), key=lambda one: one.at, reverse=True)),
        waiting=tuple(_run(run) for run in open_runs if run.status is Status.WAITING or owed.reason(run)),
        emergencies=tuple(emergencies.still_open(context.journal)),
        modes=tuple(id for run in open_runs for id in owed.open_brackets(run)),
    )


def _red(looks: Sequence[TaskRecord]) -> Iterator[Finding]:
    for look in looks:
        for finding in look.findings:
            if finding.level > Level.OK:
                on = finding.on if finding.on == look.target else f"{look.target}: {finding.on}"
                yield replace(finding, on=on)


def _matters(run: RunRecord) -> bool:
    ended_badly = run.status is Status.REFUSED or (run.ended and run.verdict is not Verdict.PASS)
    return bool(_changed(run)) or bool(ended_badly) or not run.ended


def _changed(run: RunRecord) -> tuple[str, ...]:
    done = (Status.CHANGED, Status.UNDONE)
    return tuple(dict.fromkeys(task.id for task in run.tasks for step in task.steps if step.status in done))


def _run(run: RunRecord) -> RecentRun:
    status = str(run.verdict) if run.verdict else str(run.status)
    return RecentRun(run.id, run.routine, run.began, run.launched_by, status, run.because or owed.reason(run), _changed(run))


def _changes(context: Context, since: datetime) -> Iterator[Change]:
    """Yield what the journal knows of changes, and the files of the configuration that were written since then."""
    for event in context.journal.events(kinds=tuple(_MARKS)):
        if event.at >= since:
            body = {**event.body, **event.body.get("span", {}), **event.body.get("window", {})}
            what = next((str(body[key]) for key in ("name", "id", "because", "version") if body.get(key)), "")
            yield Change(event.at, f"{_MARKS[event.kind]}: {what}".rstrip(": "), str(body.get("by", "")))
    for path in context.site.files:
        written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if written >= since:
            yield Change(written, f"{path.name} was written")
    yield from _versions(context, since)


def _versions(context: Context, since: datetime) -> Iterator[Change]:
    """Yield where a run began under another configuration than the one before it, and whether today's is another again."""
    last = ""
    for event in context.journal.events(kinds=(events.RUN_STARTED,)):
        found = event.body.get("configuration", "")  # an earlier version did not write it down
        if last and found and found != last and event.at >= since:
            yield Change(event.at, f"configuration {found} instead of {last}: run {event.run}", event.body["launched_by"])
        last = found or last
    if last and last != (now := config.version(context.site)):
        yield Change(clock.now(), f"configuration {now} instead of {last}: no run began under it yet")
