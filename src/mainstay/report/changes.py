"""The change log: who did what, when, with which parameters and with what result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from mainstay.model.plan import Args, shown
from mainstay.model.run import RunRecord, Status, StepRecord, TaskRecord
from mainstay.model.units import Duration
from mainstay.report import marks
from mainstay.report.document import Cell, Document, Entry, Paragraph, Section, listed, plural

COLUMNS = ("at", "who", "run", "routine", "task", "what", "parameters", "result", "took_seconds", "why")


@dataclass(frozen=True)
class Change:
    """One act: a step that was started, an undo, or what a person said. `parameters` are the pinned arguments."""

    at: datetime
    who: str
    run: str
    routine: str
    task: str
    what: str
    parameters: Args
    result: str
    took: Duration | None
    why: str


@dataclass(frozen=True)
class ChangeLog:
    """All that was done between two moments, oldest first."""

    since: datetime
    until: datetime
    made_at: datetime
    changes: tuple[Change, ...]


def change_log(runs: Sequence[RunRecord], since: datetime, until: datetime, now: datetime) -> ChangeLog:
    """List what was started at `since` or later, and before `until`."""
    found = (change for run in runs for change in _of(run) if since <= change.at < until)
    return ChangeLog(since, until, now, tuple(sorted(found, key=lambda change: change.at)))


def row(change: Change) -> tuple[str, ...]:
    """Return a change as texts, in the order of COLUMNS."""
    return (
        change.at.isoformat(timespec="seconds"), change.who, change.run, change.routine, change.task, change.what,
        _parameters(change.parameters), change.result, "" if change.took is None else f"{float(change.took):.3f}", change.why,
    )  # fmt: skip


def document(log: ChangeLog) -> Document:
    """Tell the change log."""
    zone = log.made_at.tzinfo
    content = (
        listed(log.changes, lambda change: _entry(change, zone)) if log.changes else Paragraph("Nothing was changed.", "muted")
    )
    return Document(
        title="Change log",
        badge=Cell(plural(len(log.changes), "change")),
        summary=f"{log.since.astimezone(zone):%Y-%m-%d %H:%M} to {log.until.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        sections=(Section("", (content,)),),
        colophon="From the journal. Lists for people are bounded; CSV and JSON hold everything.",
    )


def _entry(change: Change, zone: tzinfo | None) -> Entry:
    known = change.result in set(Status)
    mark = marks.status_mark(Status(change.result)) if known else Cell("·", "muted")
    what = f"{change.at.astimezone(zone):%Y-%m-%d %H:%M:%S}  {change.task} {change.what if known else ''}".rstrip()
    meta = " · ".join(part for part in (change.who, change.result, str(change.took) if change.took is not None else "") if part)
    return Entry(mark, what, meta, marks.told(change.why, _parameters(change.parameters)))


def _of(run: RunRecord) -> Iterator[Change]:
    for task in run.tasks:
        yield from (_step(run, task, record, record.began) for record in task.steps if record.began)
    for said in run.remarks:
        yield Change(said.at, said.by, run.id, run.routine, said.on, said.act, {}, said.act, None, said.text)


def _step(run: RunRecord, task: TaskRecord, record: StepRecord, began: datetime) -> Change:
    step = record.step
    what = f"{'undo: ' if record.undo_of else ''}{step.action} {shown(step.on)}".strip()
    why = "; ".join(_present([str(step.because), record.because]))
    return Change(began, run.launched_by, run.id, run.routine, task.id, what, step.args, str(record.status), record.took, why)


def _present(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if text]


def _parameters(args: Args) -> str:
    return json.dumps(args, ensure_ascii=False, sort_keys=True) if args else ""
