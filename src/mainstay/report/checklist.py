"""A checklist as people read it: what was answered by facts and by whom, what is missing, and who has signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from mainstay.model.checklist import Answer, Line, Sheet, Signature
from mainstay.model.units import Duration
from mainstay.report.document import (
    Cell,
    Document,
    Entries,
    Entry,
    Paragraph,
    Section,
    Tile,
    Tiles,
    Tone,
    listed,
    plural,
    sections,
    table,
)
from mainstay.report.marks import told
from mainstay.report.quantity import DASH, chain, moment

_MARKS = {Answer.OPEN: Cell("·", "info"), Answer.OK: Cell("✓", "good"), Answer.NOT_OK: Cell("✗", "bad")}
_TONES: dict[str, Tone] = {"ok": "good", "needs attention": "bad", "open": "info"}


@dataclass(frozen=True)
class ChecklistReport:
    """One sheet, and what it comes to: `ok`, `needs attention`, or `open` while an answer or a signature is missing."""

    site: str
    made_at: datetime
    head: str
    status: str
    content: str  # the SHA-256 that signatures are bound to
    missing: tuple[str, ...]
    sheet: Sheet


@dataclass(frozen=True)
class Row:
    """One line of the list: a checklist, its newest sheet, and when it is due next."""

    name: str
    title: str
    sheet: Sheet | None
    next: datetime | None


def build(site: str, sheet: Sheet, now: datetime, head: str) -> ChecklistReport:
    """Tell a sheet."""
    return ChecklistReport(site, now, head, status_of(sheet), sheet.content, sheet.missing, sheet)


def status_of(sheet: Sheet) -> str:
    """Return what a sheet comes to."""
    if not sheet.complete:
        return "open"
    return "needs attention" if sheet.wrong else "ok"


def document(report: ChecklistReport) -> Document:
    """Lay a sheet out."""
    sheet, now = report.sheet, report.made_at
    groups = groupby(sheet.lines, key=lambda line: line.group)
    answered = (Section(group or "Items", (_lines(list(lines), now),)) for group, lines in groups)
    return Document(
        title=sheet.title,
        badge=_badge(report.status),
        summary=_summary(sheet),
        about=(report.site, f"due {sheet.due.astimezone(now.tzinfo):%A %d %B %Y, %H:%M %Z (week %V)}", sheet.id),
        sections=sections(Section("", (_tiles(sheet),)), *answered, _signatures(report)),
        colophon=f"Made {now:%Y-%m-%d %H:%M %Z}. SHA-256 of what is signed: {report.content}.{chain(report.head)}",
    )


def overview(rows: Sequence[Row], now: datetime) -> Document:
    """List checklists and how they stand."""
    cells = [
        (_badge(status_of(one.sheet)) if one.sheet else Cell("never", "muted"), Cell(one.name), Cell(one.title),
         Cell(moment(one.sheet.due, now) if one.sheet else DASH), Cell(moment(one.next, now)))
        for one in rows
    ]  # fmt: skip
    still = sum(1 for one in rows if one.sheet and not one.sheet.complete)
    nothing = Paragraph("No checklist is configured.", "muted")
    return Document(
        "Checklists",
        Cell(f"{still} open", "warn") if still else Cell("none open", "good"),
        "",
        sections=(Section("", (table(("stands", "name", "title", "newest", "next"), cells) if cells else nothing,)),),
    )


def _badge(status: str) -> Cell:
    return Cell(status, _TONES[status])


def _summary(sheet: Sheet) -> str:
    parts = []
    if sheet.unanswered:
        parts.append(f"{plural(len(sheet.unanswered), 'item')} without an answer")
    if sheet.wrong:
        parts.append(f"{plural(len(sheet.wrong), 'item')} not in order")
    if sheet.missing:
        parts.append(f"not signed by {', '.join(sheet.missing)}")
    return "; ".join(parts) or "Everything is in order and signed."


def _tiles(sheet: Sheet) -> Tiles:
    by_facts = sum(line.answer is not Answer.OPEN and not line.by for line in sheet.lines)
    by_people = sum(bool(line.by) for line in sheet.lines)
    return Tiles(
        (
            Tile("items", f"{len(sheet.lines):,}"),
            Tile("answered by facts", f"{by_facts:,}"),
            Tile("answered by persons", f"{by_people:,}"),
            Tile("not in order", f"{len(sheet.wrong):,}", "", "bad" if sheet.wrong else "good"),
            Tile("signed", f"{len(sheet.signatures)} of {len(sheet.signed_by)}", "", "warn" if sheet.missing else "good"),
        )
    )


def _lines(lines: Sequence[Line], now: datetime) -> Entries:
    def entry(line: Line) -> Entry:
        who = f"{line.by} · {moment(line.at, now)}" if line.by else ("by facts" if line.answer is not Answer.OPEN else "")
        waits = "" if line.answer is not Answer.OPEN or line.item.automatic else "a person answers this"
        return Entry(_MARKS[line.answer], f"{line.number}. {line.item.text}", who, told(line.text or waits))

    return listed(list(lines), entry)


def _signatures(report: ChecklistReport) -> Section:
    sheet, now = report.sheet, report.made_at

    def entry(one: Signature) -> Entry:
        login = f" (logged in as {one.login})" if one.login != one.by else ""
        void = "" if one.content == report.content else "no longer counts: an answer was changed afterwards"
        mark = Cell("✓", "good") if not void else Cell("✗", "warn")
        action = f"action taken: {one.text}" if one.text else ""
        return Entry(mark, f"{one.by}{login} as {one.role}", moment(one.at, now), told(action, void, f"SHA-256 {one.content}"))

    waiting = [Entry(Cell("·", "warn"), f"{role}: not signed", "") for role in report.missing]
    limit = Duration((now - sheet.due).total_seconds())
    late = (Paragraph(f"It was due {Duration(round(limit))} ago.", "warn"),) if report.missing and limit > 0 else ()
    return Section("Signatures", (Entries((*(entry(one) for one in sheet.given), *waiting)), *late))
