"""How a rehearsal went: each task on its copy, with its times, what was taken back, and what was not rehearsed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mainstay.model.rehearsal import Tried
from mainstay.model.units import Duration
from mainstay.report.document import Cell, Document, Paragraph, Section, Table, plural, sections, table
from mainstay.report.quantity import ago
from mainstay.vault.rehearsal import Copied, Rehearsal


def document(rehearsal: Rehearsal, at: datetime) -> Document:
    """Lay out one rehearsal for people."""
    lede = f"{rehearsal.at.astimezone(at.tzinfo):%Y-%m-%d %H:%M %Z}, {ago(rehearsal.at, at)}; all in {rehearsal.took}"
    left = [(Cell(one.task), Cell(one.left_out)) for one in rehearsal.left_out]
    parts = [Section(f"Copy of {one.target}", (_tasks(one), *_told(one))) for one in rehearsal.copies]
    kept = Section("Not rehearsed", (table(("task", "because"), left),)) if left else None
    return Document(f"Rehearsal of {rehearsal.of}", _verdict(rehearsal), lede, sections=sections(*parts, kept))


def _verdict(rehearsal: Rehearsal) -> Cell:
    if rehearsal.failures:
        return Cell("failed", "bad")
    done = len(rehearsal.acted)
    return Cell(f"{plural(done, 'task')} rehearsed", "good") if done else Cell("nothing was rehearsed", "warn")


def _tasks(copy: Copied) -> Table:
    rows = [(Cell(one.task), _outcome(one), *map(Cell, _steps(one))) for one in copy.tried]
    return table(("task", "outcome", "#steps", "#took", "#taken back", "#took"), rows)


def _outcome(one: Tried) -> Cell:
    if one.failure:
        return Cell("failed", "bad")
    if one.nothing or one.left_out:
        return Cell("nothing to do" if one.nothing else "left out", "warn")
    return Cell("done, proven", "good")


def _steps(one: Tried) -> Iterator[str]:
    """Yield how many steps were done and how many taken back, each with the time."""
    for undo in (False, True):
        acts = [act for act in one.acts if act.undo is undo and not act.trouble]
        yield from (str(len(acts)), str(Duration(sum(act.took for act in acts)))) if acts else ("–", "–")


def _told(copy: Copied) -> Iterator[Paragraph]:
    yield from (Paragraph(text, "bad") for text in copy.failures)
    yield from (
        Paragraph(f"{one.task}: {one.nothing or one.left_out}", "muted") for one in copy.tried if one.nothing or one.left_out
    )
    if copy.compared:
        yield Paragraph(copy.compared, "good" if "not compared" not in copy.compared else "warn")
    if not copy.trouble:
        yield Paragraph(f"The copy of {copy.id} was rebuilt and compared in {copy.loaded}.", "muted")
