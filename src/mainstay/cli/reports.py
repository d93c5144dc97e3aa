"""Which runs a report is about, and where it is written."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from mainstay.app import App
from mainstay.cli import call, state
from mainstay.ledger import emergencies
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.goals import GOALS
from mainstay.model.run import RunRecord
from mainstay.report.changes import change_log
from mainstay.report.document import Cell, Document, Paragraph, Section, plural, table
from mainstay.report.marks import verdict_word
from mainstay.report.period import Due, Scope, digest
from mainstay.report.quantity import moment, shown
from mainstay.report.render import FORMATS, Format, Report, render
from mainstay.report.render import document as as_document
from mainstay.report.run import RunReport, build
from mainstay.system.files import write_atomic

_EARLIER = 30  # runs of the same routine that a report compares with
_EMERGENCIES = 500  # the newest that a report of a span looks at
_DAYS = 90  # how far back its figures go
_TITLES = {0: "Daily report", 1: "Daily report", 7: "Weekly report", 30: "Monthly report"}
_FORMATS = {".html": "html", ".md": "markdown", ".json": "json"}


@dataclass(frozen=True)
class Asked:
    """What a report is about: one run or routine (`what`), or the last `days`."""

    what: str = ""
    days: int = 0
    changes: bool = False
    category: str | None = None


def written(app: App, asked: Asked, format: str) -> tuple[str, Document | None]:
    """Return a report as text of that format, and as a document where the format is for terminals."""
    known_format(format)
    return rendered(report(app, asked), format)


def rendered(found: Report, format: str) -> tuple[str, Document | None]:
    """Return a report that was folded already as text, and as a document where the format is for terminals."""
    known_format(format)
    try:
        text = render(found, cast("Format", format))
    except ValueError as error:
        raise ConfigError(str(error), next="use --changes for CSV, or another format") from error
    return text, as_document(found) if format == "text" else None


def format_of(output: str) -> str:
    """Tell the format of a file by the ending of its name."""
    ending = f".{output.rpartition('.')[2]}"
    return _FORMATS.get(ending, "text")


def known_format(format: str) -> None:
    """Refuse a format that there is none of."""
    if format not in FORMATS:
        raise ConfigError(f"there is no format {format!r}", next=f"known: {', '.join(FORMATS)}")


def report(app: App, asked: Asked) -> Report:
    """Fold what was asked for from the journal."""
    now = call.now(app.site)
    if asked.days or not asked.what:
        return _span(app, asked, now - timedelta(days=asked.days or 1), now)
    record = _run(app, asked.what)
    if asked.changes:
        return change_log([record], record.began, now + timedelta(seconds=1), now)
    return _told(app, record, now)


def page(app: App, record: RunRecord) -> Document:
    """Return the page of one run."""
    return as_document(_told(app, record, call.now(app.site)))


def listing(records: Sequence[RunRecord], now: datetime) -> Document:
    """Return the list of runs, narrow enough for 80 columns: the id, which is there to be copied, holds the routine."""
    rows = [
        (verdict_word(one.verdict, one.status, rolled_back=one.rolled_back), Cell(one.id), Cell(moment(one.began, now)),
         Cell(shown(one.took, "s")), Cell(one.launched_by, "muted"))
        for one in records
    ]  # fmt: skip
    content = (
        table(("result", "run", "began", "#took", "by"), rows) if rows else Paragraph("No run is in the journal yet.", "muted")
    )
    return Document("Runs", Cell(plural(len(rows), "run")), "", sections=(Section("", (content,)),))


def save(name: str, text: str) -> None:
    """Write a report to a file, whole or not at all."""
    path = Path(name).absolute()
    if not path.parent.is_dir():
        raise ConfigError(f"there is no folder {path.parent}", next="make it first")
    try:
        write_atomic(path, text.encode(), 0o644)
    except OSError as error:
        raise Refused("the report cannot be written", on=str(path), because=error.strerror or str(error)) from error
    call.say(f"wrote {path}")


def indented(text: str) -> str:
    """Set the output of a command apart; nothing in it can drive the terminal."""
    harmless = "".join(char if char.isprintable() or char == "\n" else "�" for char in text)
    return textwrap.indent(harmless, "  ")


def _span(app: App, asked: Asked, since: datetime, now: datetime) -> Report:
    runs = _since(app, since)
    if asked.changes:
        return change_log(runs, since, now, now)
    title = _TITLES.get(asked.days, f"Report of {plural(asked.days, 'day')}")
    cadences = {routine.name: routine.cadence for routine in app.site.routines.values() if routine.cadence}
    scope = Scope(
        f"{title} of {app.site.name}",
        _due(app, now),
        cast("Any", asked.category),
        head=app.journal.head(),
        cadences=cadences,
        goals={**GOALS, **app.site.goals},
        emergencies=tuple(emergencies.newest(app.journal, _EMERGENCIES)),
    )
    return digest(runs, since, now, now, scope)


def _due(app: App, now: datetime) -> tuple[Due, ...]:
    known = app.agenda(now - timedelta(days=400), now)
    slots = ((routine.name, state.last_slot(known, routine, now)) for routine in app.site.routines.values())
    return tuple(Due(name, slot.start) for name, slot in slots if slot and slot.end < now)


def _since(app: App, since: datetime) -> Sequence[RunRecord]:
    """Return all runs since then, and about as many before them for comparison."""
    count = 50
    while True:
        runs = app.runs(count)
        if len(runs) < count or runs[len(runs) // 2].began < since:
            return runs
        count *= 4


def _run(app: App, what: str) -> RunRecord:
    newest = app.runs(1, what)
    return newest[0] if newest else app.run_record(what)


def _told(app: App, record: RunRecord, now: datetime) -> RunReport:
    targets = {task.target for task in record.tasks} & app.site.targets.keys()
    names = [one.name for task in record.tasks for step in task.steps for one in step.measures]
    figures = app.history(targets, _DAYS, names) if targets and names else {}
    return build(record, _earlier(app, record), now, app.journal.head(), figures)


def _earlier(app: App, record: RunRecord) -> list[RunRecord]:
    return [run for run in app.runs(_EARLIER, record.routine) if run.began < record.began]
