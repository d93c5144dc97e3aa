"""The page of `mainstay emergency check`: what is red first, then what was changed, who was told, and what waits."""

from __future__ import annotations

from datetime import datetime

from mainstay.model.because import Level
from mainstay.model.situation import Change, RecentRun, Situation
from mainstay.report import marks
from mainstay.report.document import Cell, Document, Entries, Entry, Paragraph, Section, listed, plural, sections
from mainstay.report.quantity import ago


def document(found: Situation) -> Document:
    """Tell how things stand."""
    now = found.at
    red = listed(found.red, marks.finding_entry) if found.red else Paragraph("Every look is in order.", "good")
    badge = Cell(f"{len(found.red)} red", "bad") if found.level > Level.WARNING else Cell(f"{len(found.red)} to look at", "warn")
    parts = (
        Section("Not in order", (red,)),
        Section("Emergencies", _each(tuple(_emergency(one.id, one.reason, one.opened, now) for one in found.emergencies))),
        Section("Waiting for somebody", _each(tuple(_run(one, now) for one in found.waiting))),
        Section("In force", _each(tuple(Entry(Cell("!", "warn"), one) for one in found.modes))),
        Section("Runs", _each(tuple(_run(one, now) for one in found.runs))),
        Section("Other changes", _each(tuple(_change(one, now) for one in found.changes))),
        Section("Notices in trouble", _each(_notices(found))),
    )
    return Document(
        f"How things stand at {found.site}",
        badge if found.red else Cell("in order", "good"),
        f"{plural(found.looked, 'look')} now; runs and changes since {ago(found.since, now)}.",
        sections=sections(*parts),
    )


def _each(entries: tuple[Entry, ...]) -> tuple[Entries, ...]:
    return (Entries(entries),) if entries else ()


def _emergency(id: str, reason: str, opened: datetime, now: datetime) -> Entry:
    return Entry(Cell("✗", "bad"), f"{id}: {reason}", ago(opened, now), (Cell(f"→ mainstay emergency show {id}", "info"),))


def _run(one: RecentRun, now: datetime) -> Entry:
    good = one.status in ("pass", "running")
    told = marks.told(", ".join(one.changed), one.because, advice=f"mainstay show {one.run}")
    return Entry(
        Cell("✓" if good else "!", "good" if good else "warn"), f"{one.routine}: {one.status}", ago(one.began, now), told
    )


def _change(one: Change, now: datetime) -> Entry:
    return Entry(Cell("·", "info"), one.what, ago(one.at, now), marks.told(one.by and f"by {one.by}"))


def _notices(found: Situation) -> tuple[Entry, ...]:
    told = [
        Entry(Cell("!", "warn"), f"{one.lane}: {one.notice.subject}", ago(one.notice.at, found.at), marks.told(one.because))
        for one in found.notices
    ]
    return (*told, *(Entry(Cell("!", "warn"), f"{name}: nobody has confirmed its test") for name in found.unheard))
