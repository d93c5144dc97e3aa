"""The page of an emergency: what happened, what users noticed, what was done, who said what, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from mainstay.ledger.lessons import Lesson
from mainstay.model.emergency import Emergency, FollowUp, Seen
from mainstay.report import charts, marks, past
from mainstay.report.document import (
    Cell,
    Document,
    Entry,
    Figure,
    Gallery,
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
from mainstay.report.emergency import Action, EmergencyReport, Line, Moved
from mainstay.report.quantity import chain, change_of, moment, shown

_MARKS: dict[Tone, str] = {"good": "✓", "bad": "✗", "warn": "!", "info": "▸", "muted": "·", "": "·"}
_SEVERE: dict[str, Tone] = {"S1": "bad", "S2": "bad", "S3": "warn", "S4": "info"}


def document(report: EmergencyReport) -> Document:
    """Tell an emergency."""
    found = report.emergency
    return Document(
        title=f"{found.id}: {found.reason}",
        badge=Cell(
            f"{found.severity} {'closed' if found.closed else 'open'}", "good" if found.closed else _SEVERE[found.severity]
        ),
        summary=found.resolution or (f"It is open: {found.phase or 'nobody has said that it is in hand'}."),
        about=_about(found, report.made_at),
        sections=sections(
            Section("", (_tiles(report),)),
            _impact(report),
            _red("Not in order when it was opened", report.red_at_first),
            _timeline(report),
            _actions(report.actions, report.made_at),
            _after(report),
            _follow_ups(found.follow_ups, report.made_at),
            _contacts(found),
        ),
        colophon=f"Made {report.made_at:%Y-%m-%d %H:%M %Z} from the journal and its figures alone.{chain(report.head)}",
    )


def overview(found: Sequence[Emergency], left: Sequence[Lesson], now: datetime) -> Document:
    """List emergencies, and what is left to do after them and after drills."""
    rows = [
        (Cell(str(one.severity), _SEVERE[one.severity]), Cell(one.id), Cell(moment(one.opened, now)), Cell(str(one.lasted(now))),
         Cell("closed", "good") if one.closed else Cell(one.phase or "open", "bad"), Cell(one.reason))
        for one in found
    ]  # fmt: skip
    still = sum(not one.closed for one in found)
    content = table(("", "id", "opened", "#lasted", "stands", "reason"), rows) if rows else Paragraph("There was none.", "good")
    todo = [(Cell(one.id), Cell(str(one.number)), Cell(one.text), Cell(one.configuration, "muted")) for one in left]
    return Document(
        "Emergencies",
        Cell(f"{still} open", "bad") if still else Cell("none open", "good"),
        f"{plural(len(left), 'follow-up')} left to do." if left else "",
        sections=sections(
            Section("", (content,)),
            Section("Left to do", (table(("after", "#", "what", "configuration then"), todo),) if todo else ()),
        ),
    )


def _about(found: Emergency, now: datetime) -> tuple[str, ...]:
    opened = f"opened {found.opened.astimezone(now.tzinfo):%A %d %B %Y, %H:%M %Z} by {found.by}"
    closed = f"closed {moment(found.closed, now)} by {found.closed_by}" if found.closed else "not closed"
    return (opened, closed, *([found.because] if found.because else []))


def _tiles(report: EmergencyReport) -> Tiles:
    found, late = report.emergency, report.begun is None or report.begun > report.respond
    left = sum(not one.done for one in found.follow_ups)
    return Tiles(
        (
            Tile("lasted" if found.closed else "open for", shown(report.lasted, "s"), ""),
            Tile("at it after", shown(report.begun, "s"), f"asked for: {report.respond}", "bad" if late else "good"),
            Tile("acts", f"{len(report.actions):,}", "that changed something" if report.actions else ""),
            Tile("escalated", f"{len(found.escalated):,}", "", "warn" if found.escalated else ""),
            Tile("left to do", f"{left:,}", f"of {plural(len(found.follow_ups), 'follow-up')}", "warn" if left else "good"),
        )
    )


def _impact(report: EmergencyReport) -> Section | None:
    if not report.impact:
        return None
    rows = [
        (Cell(f"{one.target} {one.name}"), Cell(shown(one.before, one.unit)), Cell(shown(one.during, one.unit), "warn"),
         Cell(shown(one.after, one.unit)), Cell(_change(one), "muted"))
        for one in report.impact
    ]  # fmt: skip
    numbers = table(("figure", "#before", "#during", "#after", "#change"), rows)
    drawn = tuple(_figure(one, report) for one in report.impact if len(one.points) > 1)
    lede = "As it usually was, at its farthest from that while the emergency lasted (shaded), and as it was last seen."
    return Section("Impact", (Gallery(drawn, numbers) if drawn else numbers,), lede)


def _change(one: Moved) -> str:
    return change_of((one.during - one.before) / abs(one.before)) if one.before else ""


def _figure(one: Moved, report: EmergencyReport) -> Figure:
    found, zone = report.emergency, report.made_at.tzinfo
    points = tuple(past.Point(at.astimezone(zone), value, "") for at, value in one.points)
    series = past.Series(one.target, one.name, one.unit, points, "looks")
    span = (found.opened, found.closed or report.made_at)
    title = f"{one.target} {one.name}"
    note = f"{shown(one.before, one.unit)} → {shown(one.during, one.unit)}"
    return Figure(title, partial(charts.course, series, title, span=span), table((), ()), note)


def _red(title: str, looks: Sequence[Seen]) -> Section | None:
    found = [finding for seen in looks for finding in seen.findings]
    return Section(title, (listed(found, marks.finding_entry),), "Kept before anything was mended.") if found else None


def _timeline(report: EmergencyReport) -> Section:
    def entry(line: Line) -> Entry:
        return Entry(Cell(_MARKS[line.tone], line.tone), line.what, _when(line, report), marks.told(line.text))

    return Section(
        "Timeline", (listed(report.timeline, entry),), f"In {report.made_at:%Z}; from the opening on, with its distance."
    )


def _when(line: Line, report: EmergencyReport) -> str:
    distance = (line.at - report.emergency.opened).total_seconds()
    since = f" +{shown(round(distance), 's')}" if distance >= 1 else ""
    return f"{line.at.astimezone(report.made_at.tzinfo):%H:%M:%S}{since}" + (f" · {line.who}" if line.who else "")


def _actions(actions: Sequence[Action], now: datetime) -> Section | None:
    rows = [
        (Cell(f"{one.at.astimezone(now.tzinfo):%H:%M:%S}"), Cell(one.task), Cell(one.what), marks.status_word(one.status),
         Cell(shown(one.took, "s")), Cell(one.by, "muted"))
        for one in actions
    ]  # fmt: skip
    lede = "Each with its evidence: mainstay show RUN."
    return Section("Actions", (table(("at", "task", "act", "result", "#took", "by"), rows),), lede) if rows else None


def _after(report: EmergencyReport) -> Section | None:
    if report.red_at_last is None:
        return None
    if not report.red_at_last:
        return Section("Afterwards", (Paragraph("Every check was in order when it was closed.", "good"),))
    return _red("Still not in order when it was closed", report.red_at_last)


def _follow_ups(left: Sequence[FollowUp], now: datetime) -> Section | None:
    def entry(one: FollowUp) -> Entry:
        mark = Cell("✓", "good") if one.done else Cell("·", "warn")
        return Entry(
            mark,
            f"{one.number}. {one.text}",
            f"{moment(one.done, now)} · {one.by}" if one.done else "",
            marks.told(one.remark, _versions(one)),
        )

    return Section("Follow-ups", (listed(list(left), entry),)) if left else None


def _versions(one: FollowUp) -> str:
    """Tell which version of the configuration it is about, and under which one it was signed."""
    then = f"configuration {one.configuration}" if one.configuration else ""
    return f"{then}, signed under {one.done_under}" if then and one.done_under else then


def _contacts(found: Emergency) -> Section | None:
    rows = [(Cell(name), Cell(where)) for name, where in found.contacts.items()]
    return Section("Contacts", (table(("who", "reached at"), rows),)) if rows else None
