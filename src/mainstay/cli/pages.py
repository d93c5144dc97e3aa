"""The pages of a site in one folder: how it stands, and beside it the reports of its runs; everything is rendered by `report`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from mainstay.app import App
from mainstay.cli import call, reports, state
from mainstay.cli.reports import Asked
from mainstay.config.fields import declared
from mainstay.ledger import queries
from mainstay.model.because import Level
from mainstay.model.errors import Refused
from mainstay.model.run import RunRecord, Status
from mainstay.report import calendar, checklist, html, marks
from mainstay.report.document import Cell, Document, Section, Table, Tile, Tiles, Tone, table
from mainstay.report.html import Among
from mainstay.report.quantity import ago, moment, shown
from mainstay.report.render import document as as_document
from mainstay.schedule import occurrences
from mainstay.system.files import remove, write_atomic

RUNS, DAYS, WINDOWS = 30, 7, 10  # how many runs have their report here, how far ahead windows are told, and how many
AGAIN = 60  # seconds after which a browser reads the first page anew
_SPANS = {"day": 1, "week": 7, "month": 30}
_OLD = re.compile(r"[0-9]{8}T[0-9]{6}-[A-Za-z0-9._-]+-[0-9a-f]{4}\.html")
_OURS = b'<meta name="generator" content="mainstay">'


def write(app: App, folder: Path) -> Path:
    """Write every page, those of runs only where something has happened since; return the first."""
    seen, records = state.of(app.site, call.now(app.site)), app.runs(RUNS)
    runs = folder / "runs"
    try:
        _require_ours(folder / "index.html")
        runs.mkdir(mode=0o755, parents=True, exist_ok=True)
        for record in records:
            _write_run(app, record, runs / f"{record.id}.html")
        for name, days in _SPANS.items():
            told = as_document(reports.report(app, Asked(days=days)))
            _put(folder / f"{name}.html", html.write(told, Among("./", app.site.name)))
        _put(folder / "status.json", call.as_json("status/1", state.encoded(seen)) + "\n")
        _put(folder / "index.html", html.write(home(app, seen, records), Among(anew=AGAIN)))
        _tidy(runs, {f"{record.id}.html" for record in records})
    except OSError as error:
        raise Refused("the page cannot be written", on=str(folder), because=error.strerror or str(error)) from error
    return folder / "index.html"


def home(app: App, seen: state.State, records: list[RunRecord]) -> Document:
    """Lay out how the site stands: what needs a person, targets, routines, what is to come, proof, and the last runs."""
    more = (_windows(app, seen.at), _checklists(app, seen.at), _proofs(app, seen.at), _runs(records, seen.at))
    page = state.document(seen, first=(Section("", (_tiles(seen),)),), more=more)
    made = f"Made {_made(app)} from memory; nothing was looked at for it. Journal head {app.journal.head()}."
    return replace(page, colophon=made)


def _tiles(seen: state.State) -> Tiles:
    fine = sum(one.level == 0 for one in seen.targets)
    late, waiting = sum(one.overdue for one in seen.routines), sum(one.status is Status.WAITING for one in seen.open_runs)
    following = min(((one.next, one.routine) for one in seen.routines if one.next), default=None)
    return Tiles(
        (
            Tile("targets in order", f"{fine} of {len(seen.targets)}", "", "good" if fine == len(seen.targets) else "warn"),
            _counted("emergencies", len(seen.emergencies), "open", "bad"),
            _counted("open runs", len(seen.open_runs), f"{waiting} for a person" if waiting else ""),
            _counted("overdue", late, "routines" if late != 1 else "routine"),
            _following(*following, seen.at) if following else Tile("next window", "none", "", "muted"),
        )
    )


def _following(at: datetime, routine: str, now: datetime) -> Tile:
    local = at.astimezone(now.tzinfo)
    return Tile("next window", f"{local:%H:%M}", f"{local:%a %d %b}: {routine}")


def _counted(label: str, count: int, note: str, tone: Tone = "warn") -> Tile:
    return Tile(label, f"{count}", note if count else "", tone if count else "muted")


def _windows(app: App, now: datetime) -> Section | None:
    until = now + timedelta(days=DAYS)
    known = app.agenda(now, until)
    found = [
        calendar.Appointment(one, app.needed(app.site.routines[one.routine])) for one in occurrences.upcoming(known, now, until)
    ]
    page = calendar.document(app.site, found, occurrences.often(known, now), now, DAYS)
    parts = page.sections if found else page.sections[1:]
    blocks = tuple(_narrow(block) if isinstance(block, Table) else block for part in parts for block in part.blocks)
    return Section("Next windows", blocks, page.summary) if parts else None


def _narrow(whole: Table) -> Table:
    """Leave out what a remark tells where it matters, so that a phone shows a line in a line."""
    kept = [number for number, column in enumerate(whole.columns) if column.title not in ("needs", "at most")]
    rows = (tuple(row[number] for number in kept) for row in whole.rows)
    return replace(whole, columns=tuple(whole.columns[number] for number in kept), rows=tuple(rows))


def _checklists(app: App, now: datetime) -> Section | None:
    rows = [checklist.Row(one.checklist.name, one.checklist.title, one.sheet, one.next) for one in app.checklists.all()]
    return replace(checklist.overview(rows, now).sections[0], title="Sign-offs") if rows else None


def _proofs(app: App, now: datetime) -> Section | None:
    """Tell for every target that is to be restorable how old the copy is that was last proven to be."""
    rows = []
    for name in _protected(app):
        at = queries.proven(app.journal, name)
        mark = marks.level_mark(Level.OK if at else Level.WARNING)
        rows.append((mark, Cell(name), Cell(ago(at, now), "" if at else "warn"), Cell(moment(at, now), "muted")))
    lede = "When the copy was made that was last restored and compared."
    return Section("Proof", (table(("", "target", "#proven copy", "made"), rows),), lede) if rows else None


def _protected(app: App) -> list[str]:
    """Return the targets that copies are made of, or that a routine wants proven."""
    asked = [name for routine in app.site.routines.values() if routine.proof for name in routine.proof.of]
    for target in app.site.targets.values():
        kind = app.context.kind(target)
        if any(task.proves for task in kind.tasks):
            fields = [one.name for one in declared(kind.settings).values() if one.setting.refers_to.startswith("target")]
            values = [getattr(target.settings, field) for field in fields]
            asked += [name for value in values for name in (value if isinstance(value, tuple) else (value,))]
    return [name for name in app.site.targets if name in asked]


def _runs(records: list[RunRecord], now: datetime) -> Section:
    rows = [
        (marks.verdict_word(one.verdict, one.status), Cell(one.routine, link=f"runs/{one.id}.html"),
         Cell(moment(one.began, now)), Cell(shown(one.took, "s")), Cell(one.launched_by, "muted"))
        for one in records
    ]  # fmt: skip
    spans = tuple(Cell(name, link=f"{name}.html") for name in _SPANS)
    heads = ("result", "run", "began", "#took", "by")
    return Section("Reports", (table(("of the last", "", ""), (spans,)), *((table(heads, rows),) if rows else ())))


def _write_run(app: App, record: RunRecord, path: Path) -> None:
    newest = max(event.at for event in app.journal.events(run=record.id))
    if not path.exists() or path.stat().st_mtime <= newest.timestamp():
        _put(path, html.write(reports.page(app, record), Among("../", app.site.name)))


def _made(app: App) -> str:
    return f"{call.now(app.site):%Y-%m-%d %H:%M:%S %Z}"


def _put(path: Path, text: str) -> None:
    write_atomic(path, text.encode(), 0o644)


def _require_ours(index: Path) -> None:
    """Raise Refused where a page of somebody else would be written over."""
    if index.exists() and _OURS not in index.read_bytes():
        raise Refused("another page lies there", on=str(index), next="name a folder of its own")


def _tidy(folder: Path, wanted: set[str]) -> None:
    """Take away the pages of runs that are no longer listed; whatever else lies there stays."""
    for path in _old(folder, wanted):
        remove(path)


def _old(folder: Path, wanted: set[str]) -> Iterator[Path]:
    return (path for path in list(folder.iterdir()) if path.name not in wanted and _OLD.fullmatch(path.name))
