"""The document of a span: deviations first, then the routines, what was done and not done, and how it develops."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mainstay.model.run import Verdict
from mainstay.model.units import Duration
from mainstay.report import charts, incidents, marks
from mainstay.report.document import (
    Cell,
    Document,
    Paragraph,
    Section,
    Table,
    Tile,
    Tiles,
    Tone,
    listed,
    plural,
    sections,
    table,
)
from mainstay.report.gallery import gallery
from mainstay.report.period import ActLine, Digest, LeftLine, RoutineLine, RunLine, SeenLine
from mainstay.report.quantity import DASH, chain, change_of, moment, shown
from mainstay.report.run_page import deviation_entry
from mainstay.report.times import Spent, missed

_LINES = 6  # of one check


def document(report: Digest) -> Document:
    """Tell a span."""
    zone = report.made_at.tzinfo
    since, until = report.since.astimezone(zone), report.until.astimezone(zone)
    of = f"category {report.category}" if report.category else "all categories"
    return Document(
        title=report.title,
        badge=_badge(report),
        summary=_summary(report),
        about=(f"{since:%a %d %b %Y %H:%M} to {until:%a %d %b %Y %H:%M} {until:%Z}", of),
        sections=() if report.silent else _sections(report),
        colophon=f"Made {report.made_at:%Y-%m-%d %H:%M %Z} from stored runs; nothing was run for it.{chain(report.head)}",
    )


def _sections(report: Digest) -> tuple[Section, ...]:
    return sections(
        Section("", (_tiles(report),)),
        _deviations(report),
        incidents.section(report.incidents, report.made_at),
        _routines(report),
        _times(report.times),
        _seen(report.seen),
        _done(report.done),
        _left(report.left),
        gallery("Durations", "", report.durations, report.made_at, lambda _one: charts.columns),
        gallery("Sizes", "", report.sizes, report.made_at, lambda _one: charts.course),
        _runs(report),
    )


def _badge(report: Digest) -> Cell:
    if not report.runs and not report.deviations:
        return Cell("no runs", "muted")
    worst = max((marks.level_mark(one.level) for one in report.deviations), key=lambda mark: mark.tone == "bad", default=None)
    return Cell("in order", "good") if worst is None else Cell(plural(len(report.deviations), "deviation"), worst.tone)


def _summary(report: Digest) -> str:
    if report.silent:
        return "Nothing changed and nothing deviates."
    overdue = sum(one.overdue for one in report.routines)
    failing = f"{plural(len(report.failing), 'check finding')} above OK" if report.failing else "every check is OK"
    late = f", {plural(overdue, 'routine')} overdue" if overdue else ""
    return f"{plural(len(report.runs), 'run')}{late}, {failing}."


def _tiles(report: Digest) -> Tiles:
    counted = {verdict: sum(run.verdict is verdict for run in report.runs) for verdict in Verdict}
    overdue = sum(one.overdue for one in report.routines)
    return Tiles(
        (
            Tile("runs", f"{len(report.runs):,}", f"of {plural(len(report.routines), 'routine')}"),
            _count("pass", counted[Verdict.PASS], "good"),
            _count("degraded", counted[Verdict.DEGRADED], "warn"),
            _count("fail", counted[Verdict.FAIL], "bad"),
            Tile("changes", f"{sum(run.changed for run in report.runs):,}", "verified steps"),
            _count("overdue", overdue, "bad"),
        )
    )


def _count(label: str, count: int, tone: Tone) -> Tile:
    return Tile(label, f"{count:,}", "", tone if count else "muted")


def _deviations(report: Digest) -> Section:
    if not report.deviations:
        return Section("Deviations", (Paragraph("None.", "good"),))
    return Section(
        "Deviations", (listed(report.deviations, deviation_entry),), "What differs from what was expected, the worst first."
    )


def _routines(report: Digest) -> Section | None:
    heads = ("routine", "#runs", "#pass", "#degraded", "#fail", "last run", "#median", "#trend")
    rows = [_routine(one, report) for one in report.routines]
    return (
        Section("Routines", (table(heads, rows),), "Trend compares the median duration with that of earlier runs.")
        if rows
        else None
    )


def _routine(one: RoutineLine, report: Digest) -> tuple[Cell, ...]:
    last = "never" if one.last is None else moment(one.last, report.made_at)
    trend = change_of(one.median / one.before - 1) if one.median and one.before else DASH
    return (
        Cell(one.name),
        *_counts(one),
        Cell(f"{last}, overdue", "bad") if one.overdue else Cell(last),
        Cell(shown(one.median, "s")),
        Cell(trend),
    )


def _counts(one: RoutineLine) -> tuple[Cell, ...]:
    return (
        Cell(f"{one.runs:,}"),
        Cell(f"{one.passed:,}"),
        Cell(f"{one.degraded:,}", "warn" if one.degraded else "muted"),
        Cell(f"{one.failed:,}", "bad" if one.failed else "muted"),
    )


def _times(times: Sequence[Spent]) -> Section | None:
    rows = [
        (Cell(one.cadence), Cell(f"{one.runs:,}"), Cell(shown(one.active, "s")), *_against(one.longest, one.goal.active),
         Cell(shown(one.downtime, "s")), *_against(one.longest_downtime, one.goal.downtime))
        for one in times
    ]  # fmt: skip
    heads = ("cadence", "#runs", "#at work", "#longest", "#goal", "#downtime", "#longest", "#goal")
    lede = "In all, and in the longest day, week or whatever the cadence is. At work is not without service."
    return Section("Maintenance time", (table(heads, rows),), lede) if rows else None


def _against(took: Duration, goal: Duration | None) -> tuple[Cell, Cell]:
    over = missed(took, goal)
    return Cell(shown(took, "s"), "bad" if over else ""), Cell(f"< {goal}" if goal else DASH, "muted")


def _seen(seen: Sequence[SeenLine]) -> Section | None:
    """Tell the first lines of each check: some of them list every file that they know."""
    by_task: dict[str, list[SeenLine]] = {}
    for line in seen:
        by_task.setdefault(line.task, []).append(line)
    rows = [
        (Cell(line.task), Cell(line.finding.on), Cell(str(line.finding.because)))
        for lines in by_task.values()
        for line in lines[:_LINES]
    ]
    left_out = sum(max(0, len(lines) - _LINES) for lines in by_task.values())
    lede = "What is in order, as the latest look of each check told it." + (f" {left_out:,} more lines." if left_out else "")
    return Section("As last seen", (table(("task", "on", "seen"), rows),), lede) if rows else None


def _done(done: Sequence[ActLine]) -> Section | None:
    rows = [
        (Cell(one.task), Cell(one.action), Cell(f"{one.objects:,}"), Cell(f"{one.times:,}"), Cell(f"{one.changed:,}"),
         Cell(f"{one.failed:,}", "bad" if one.failed else "muted"), Cell(shown(one.median, "s")))
        for one in done
    ]  # fmt: skip
    return (
        Section("Done", (table(("task", "action", "#objects", "#times", "#changed", "#failed", "#median"), rows),))
        if rows
        else None
    )


def _left(left: Sequence[LeftLine]) -> Section | None:
    rows = [
        (marks.status_mark(one.status), Cell(one.task), Cell(", ".join(one.objects[:4]) + (" …" if len(one.objects) > 4 else "")),
         Cell(one.why), Cell(f"{one.times:,}"))
        for one in left
    ]  # fmt: skip
    lede = "The reason is the latest of its sort."
    return Section("Not done, and why", (table(("", "task", "what", "why", "#times"), rows),), lede) if rows else None


def _runs(report: Digest) -> Section | None:
    return Section("Runs", (runs_table(report.runs, report.made_at),)) if report.runs else None


def runs_table(runs: Sequence[RunLine], now: datetime) -> Table:
    """Tell runs in rows."""
    rows = [
        (marks.verdict_word(one.verdict, one.status), Cell(moment(one.began, now)), Cell(one.routine), Cell(shown(one.took, "s")),
         Cell(f"{one.changed:,}"), Cell(one.launched_by, "muted"), Cell(one.id, "muted"))
        for one in runs
    ]  # fmt: skip
    return table(("verdict", "began", "routine", "#took", "#changed", "by", "run"), rows)
