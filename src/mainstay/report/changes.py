"""The change log: who did what, when, with which parameters and with what result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mainstay.model.plan import Args, shown
from mainstay.model.run import RunRecord, Status, StepRecord, TaskRecord
from mainstay.model.units import Duration
from mainstay.report import marks
from mainstay.report.document import Cell, Document, Paragraph, Section, Tone, plural, table

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
    rows = [
        (Cell(f"{change.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"), Cell(change.who), Cell(f"{change.task} {change.what}".strip()),
         Cell(_parameters(change.parameters), "muted"), Cell(change.result, _tone(change.result)), Cell(change.why, "muted"))
        for change in log.changes
    ]  # fmt: skip
    heads = ("at", "who", "what", "parameters", "result", "why")
    found = table(heads, rows) if rows else Paragraph("Nothing was changed.")
    return Document(
        title="Change log",
        badge=Cell(plural(len(rows), "change")),
        summary=f"{log.since.astimezone(zone):%Y-%m-%d %H:%M} to {log.until.astimezone(zone):%Y-%m-%d %H:%M %Z}",
        sections=(Section("", (found,)),),
        colophon="From the journal. A table holds the first hundred lines; CSV and JSON hold all of them.",
    )


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


def _tone(result: str) -> Tone:
    return marks.status_word(Status(result)).tone if result in set(Status) else ""
