"""The document of one run: deviations first, then what was done and not done, the numbers, and who said what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from mainstay.model.because import Level
from mainstay.model.plan import Envelope, Impact
from mainstay.model.run import Status, Verdict
from mainstay.model.units import Duration
from mainstay.report import charts, marks, phases
from mainstay.report.compare import Delta
from mainstay.report.document import (
    Cell,
    Document,
    Entries,
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
from mainstay.report.gallery import gallery
from mainstay.report.quantity import chain, change_of, moment, shown, signed
from mainstay.report.run import Act, Bracket, Deviation, Left, Measured, RunReport, TaskLine

BARS = 20  # in one chart
PAIRS = 18
OUTPUT = 5  # last lines of what a failed step printed
STRETCH = 24  # letters of a course
_TONES = {Impact.NONE: "calm", Impact.LOAD: "info", Impact.BLOCKS_WRITES: "warn", Impact.DOWNTIME: "bad"}
_LEGEND = (*((tone, marks.impact_word(impact).text) for impact, tone in _TONES.items()), ("bracket", "bracket"))
_SENTENCE = {
    Verdict.PASS: "Everything that was to be done is done and verified.",
    Verdict.DEGRADED: "The system works, but not everything is as it should be.",
    Verdict.FAIL: "The run did not reach its goal.",
}


def document(report: RunReport) -> Document:
    """Tell a run."""
    return Document(
        title=report.routine,
        badge=marks.verdict_word(report.verdict, report.status, rolled_back=report.rolled_back),
        summary=_summary(report),
        about=_about(report),
        sections=sections(
            Section("", (_tiles(report),)),
            _deviations(report.deviations),
            phases.section(report.phases, report.began, report.made_at),
            _course(report),
            _done(report),
            _left(report.left),
            _undone(report.undone),
            _measured(report),
            _compared(report),
            _durations(report),
            _history(report),
            _trends(report),
            _sizes(report),
            _findings(report),
            _people(report),
        ),
        colophon=f"Run {report.id}. Made {report.made_at:%Y-%m-%d %H:%M %Z} from the journal alone.{chain(report.head)}",
    )


def _summary(report: RunReport) -> str:
    if report.why:
        return report.why
    if report.verdict is None:
        return "The run has not ended." if report.ended is None else "The run ended without a verdict."
    return _SENTENCE[report.verdict]


def _about(report: RunReport) -> tuple[str, ...]:
    zone = report.made_at.tzinfo
    began = report.began.astimezone(zone)
    ended = f"–{report.ended.astimezone(zone):%H:%M}" if report.ended else ", under way"
    return (
        f"{began:%A %d %B %Y, %H:%M}{ended} {began:%Z}",
        f"started by {report.launched_by}" + ("" if report.attended else ", unattended"),
        "settled" if report.settled else "not settled",
    )


def _tiles(report: RunReport) -> Tiles:
    forecast = sum((line.forecast for line in report.tasks if line.forecast and not line.bracket), 0.0)
    changed = sum(act.status is Status.CHANGED for act in report.done)
    held = max((bracket.open_for for bracket in report.brackets), default=None)
    worst = max((one.level for one in report.deviations), default=None)
    tiles = [
        Tile("took", shown(report.took, "s"), f"forecast {Duration(forecast)}" if forecast else ""),
        Tile("done", f"{changed:,}", f"of {plural(len(report.done), 'step')} started"),
        Tile("not done", f"{len(report.left):,}", "each with its reason" if report.left else ""),
        Tile("deviations", f"{len(report.deviations):,}", "", marks.level_mark(worst).tone if worst is not None else "good"),
    ]
    if report.reclaimed and report.reclaimed > 0:
        tiles.append(Tile("given back", shown(report.reclaimed, "B"), "on disk", "good"))
    if held is not None:
        tiles.append(Tile("bracketed", str(held), "longest bracket", "" if all(one.closed for one in report.brackets) else "bad"))
    if report.undone:
        took = Duration(sum(act.took or 0 for act in report.undone))
        tiles.append(Tile("rolled back", f"{len(report.undone):,}", f"in {took}" + _may(report.rollback), "warn"))
    return Tiles(tuple(tiles))


def _may(rollback: Duration) -> str:
    return f" of {rollback}" if rollback else ""


def _deviations(deviations: Sequence[Deviation]) -> Section:
    if not deviations:
        return Section("Deviations", (Paragraph("None: every figure, duration and check is within its limits.", "good"),))
    return Section("Deviations", (listed(deviations, deviation_entry),), "What differs from what was expected, the worst first.")


def deviation_entry(one: Deviation) -> Entry:
    """Tell a deviation."""
    return Entry(marks.level_mark(one.level), one.on, one.level.name.lower(), marks.told(one.text, advice=one.advice))


def _course(report: RunReport) -> Section | None:
    begun = [line for line in report.tasks if line.began]
    if not begun:
        return None
    zone, end = report.made_at.tzinfo, report.ended or report.made_at
    span = (report.began.astimezone(zone), max(end, report.began + timedelta(seconds=1)).astimezone(zone))
    lanes = [_lane(line, report, end) for line in begun[:BARS]]
    rows = [
        (Cell(line.id), Cell(_stretch(line, span, end), "muted"), Cell(shown(line.took, "s")),
         marks.impact_word(line.impact), marks.status_word(line.status))
        for line in begun
    ]  # fmt: skip
    title = f"Course of {report.routine}"
    numbers = table(("task", f"{span[0]:%H:%M} to {span[1]:%H:%M}", "#took", "impact", "status"), rows)
    lede = "When each task ran. Colour tells what users noticed; what failed has a red edge, what was taken back is hollow."
    return Section("Course", (Figure(title, partial(charts.timeline, lanes, span, title), numbers, legend=_LEGEND),), lede)


def _stretch(line: TaskLine, span: tuple[datetime, datetime], end: datetime) -> str:
    """Draw when a task ran as a line of letters, for where there are no pictures."""
    whole = (span[1] - span[0]).total_seconds()
    first, last = (round(STRETCH * ((at or end) - span[0]).total_seconds() / whole) for at in (line.began, line.ended))
    first = min(max(first, 0), STRETCH - 1)
    length = min(max(last - first, 1), STRETCH - first)
    return "·" * first + "━" * length + "·" * (STRETCH - first - length)


def _lane(line: TaskLine, report: RunReport, end: datetime) -> charts.Lane:
    held = [one for one in report.brackets if one.task == line.id]
    if held:
        bars = tuple(charts.Bar(one.opened, one.closed or end, "bracket", f"{one.task} {one.on}") for one in held)
        return charts.Lane(line.id, f"in force for {max(one.open_for for one in held)}", None, bars)
    acts = (act for act in (*report.done, *report.undone) if act.task == line.id and not line.bracket)
    track = (line.began, line.ended or end) if line.began else None
    return charts.Lane(line.id, f"{shown(line.took, 's')} · {line.status}", track, tuple(_bar(act, end) for act in acts))


def _bar(act: Act, end: datetime) -> charts.Bar:
    looks: dict[Status, Literal["hollow", "failed"]] = {
        Status.UNDONE: "hollow",
        Status.FAILED: "failed",
        Status.UNKNOWN: "failed",
    }
    title = f"{act.action} {act.on}: {act.status} in {shown(act.took, 's')}"
    return charts.Bar(act.began or end, act.ended or end, _TONES[act.impact], title, looks.get(act.status, ""))


def _done(report: RunReport) -> Section | None:
    return Section("Done, and why", (listed(report.done, act_entry),)) if report.done else None


def act_entry(act: Act) -> Entry:
    """Tell a step."""
    meta = " · ".join(part for part in (shown(act.took, "s") if act.took else "", marks.impact_word(act.impact).text) if part)
    printed = act.output.strip().splitlines()[-OUTPUT:] if act.status in (Status.FAILED, Status.UNKNOWN) else []
    final = f"cannot be taken back: {act.one_way}" if act.one_way else ""
    why = "; ".join(part for part in (act.why, act.now) if part)
    return Entry(
        marks.status_mark(Status.CHANGED if act.bracket and act.status is Status.UNDONE else act.status),
        f"{act.task}: {act.action} {act.on}".rstrip(),
        meta,
        marks.told(why, f"{act.status}: {act.said}" if act.said else "", *(f"| {line}" for line in printed), final),
    )


def _undone(undone: Sequence[Act]) -> Section | None:
    return Section("Taken back", (listed(undone, act_entry),), "What was done and then undone.") if undone else None


def _left(left: Sequence[Left]) -> Section | None:
    return Section("Not done, and why", (left_entries(left),)) if left else None


def left_entries(left: Sequence[Left], named: bool = True) -> Entries:
    """Tell what was left alone: one entry for each reason of a task, `named` with the task."""
    grouped: dict[tuple[str, Status, str], list[str]] = {}
    for one in left:
        grouped.setdefault((one.task, one.status, one.why), []).append(one.on)

    def entry(item: tuple[tuple[str, Status, str], list[str]]) -> Entry:
        (task, status, why), on = item
        title = ": ".join(part for part in (task if named else "", _some(on)) if part)
        return Entry(marks.status_mark(status), title or task, str(status), marks.told(why))

    return listed(list(grouped.items()), entry)


def _some(on: Sequence[str]) -> str:
    named = [one for one in on if one]
    return ", ".join(named[:4]) + (f" and {len(named) - 4:,} more" if len(named) > 4 else "")


def _measured(report: RunReport) -> Section | None:
    """Tell the figures of what the steps worked on."""
    if not report.measures:
        return None
    rows = [
        (Cell(f"{one.task.partition('.')[0]} {one.name}"), Cell(shown(one.before, one.unit), "muted"),
         Cell(shown(one.after, one.unit)), Cell(_measured_change(one)))
        for one in sorted(report.measures, key=lambda one: (one.on, one.unit != "B"))
    ]  # fmt: skip
    return Section("What was changed", (table(("figure", "#before", "#after", "#change"), rows),))


def _measured_change(one: Measured) -> str:
    change = one.after - one.before
    return signed(change, one.unit) + (f" ({change_of(change / abs(one.before))})" if one.before else "")


def _compared(report: RunReport) -> Section | None:
    told = {(one.task, one.name) for one in report.measures}
    others = [delta for delta in report.comparisons if (delta.of, delta.fact) not in told]
    if not others:
        return None
    ordered = sorted(others, key=lambda delta: (not delta.outlier, -abs(delta.share or 0)))
    numbers = table(("fact", "#before", "#after", "#change", ""), [delta_row(delta) for delta in ordered])
    drawn = tuple(_pair(delta) for delta in ordered if delta.change is not None)[:PAIRS]
    unchanged = f" {plural(report.unchanged, 'fact')} did not change." if report.unchanged else ""
    lede = f"The upper bar is before, the lower one after; what stands out comes first.{unchanged}"
    return Section("Before and after", (Gallery(drawn, numbers) if drawn else numbers,), lede if drawn else unchanged.strip())


def delta_row(delta: Delta) -> tuple[Cell, ...]:
    """Tell a comparison in a row."""
    change = signed(delta.change, delta.unit) if delta.change is not None else ""
    share = f" ({change_of(delta.share)})" if delta.share is not None and delta.unit != "share" else ""
    tone: Tone = "warn" if delta.outlier else ""
    return (
        Cell(f"{delta.of} {delta.fact}"), Cell(shown(delta.before, delta.unit), "muted"), Cell(shown(delta.after, delta.unit)),
        Cell(change + share, tone), Cell(delta.why, tone),
    )  # fmt: skip


def _pair(delta: Delta) -> Figure:
    name, note = f"{delta.of} {delta.fact}", f"{shown(delta.before, delta.unit)} → {shown(delta.after, delta.unit)}"
    draw = partial(charts.pair, float(delta.before or 0), float(delta.after or 0), name, "warn" if delta.outlier else "info")
    return Figure(name, draw, table((), ()), note)


def _durations(report: RunReport) -> Section | None:
    lines = [line for line in report.tasks if line.took is not None and not line.bracket]
    if not lines:
        return None
    rows = [
        (Cell(line.id), *(Cell(shown(length, "s")) for length in (line.took, line.forecast, line.budget)),
         Cell(shown(line.used, "share"), _tone(line)))
        for line in lines
    ]  # fmt: skip
    numbers = table(("task", "#took", "#forecast", "#budget", "#used"), rows)
    drawn = [
        charts.Gauge(line.id, _gauge_note(line), float(line.took or 0), line.forecast, line.budget, _tone(line))
        for line in sorted(lines, key=lambda line: -(line.took or 0))[:BARS]
    ]
    lede = "The bar is what it took, the mark the forecast, the pale ground the budget."
    return Section(
        "Durations", (Figure("Durations", partial(charts.gauges, drawn, "Durations against forecast"), numbers),), lede
    )


def _gauge_note(line: TaskLine) -> str:
    return shown(line.took, "s") + (f" · {line.used} of {line.budget}" if line.used is not None else "")


def _tone(line: TaskLine) -> Tone:
    if line.used is None or line.used < 0.8:
        return "info"
    return "bad" if line.used > 1 else "warn"


def _history(report: RunReport) -> Section | None:
    budgets = {line.id: line.budget for line in report.tasks}
    lede = "How long the same tasks took in earlier runs; this run is in full colour, the line is the budget."
    return gallery(
        "Earlier runs", lede, report.durations, report.made_at, lambda one: partial(charts.columns, limit=budgets.get(one.of))
    )


def _trends(report: RunReport) -> Section | None:
    lede = "What this run has changed, as looks and runs have seen it."
    return gallery("Over time", lede, report.trends, report.made_at, lambda _one: charts.course)


def _sizes(report: RunReport) -> Section | None:
    return gallery("Sizes", "As the checks saw them, run by run.", report.sizes, report.made_at, lambda _one: charts.course)


def _findings(report: RunReport) -> Section | None:
    fine = [finding for finding in report.findings if finding.level is Level.OK]
    return Section("In order", (listed(fine, marks.finding_entry),), "What the checks saw and found good.") if fine else None


def _people(report: RunReport) -> Section | None:
    entries = [_bracket(one, report.made_at) for one in report.brackets]
    entries += [_consent(report.envelope)] if report.envelope else []
    entries += [
        Entry(
            Cell("✓", "good") if one.yes else Cell("✗", "bad"),
            f"{one.by} {one.act} {one.on}".rstrip(),
            moment(one.at, report.made_at),
            marks.told(one.text),
        )
        for one in report.remarks
    ]
    return Section("Brackets, consents and signatures", (Entries(tuple(entries)),)) if entries else None


def _consent(envelope: Envelope) -> Entry:
    ceilings = [
        f"{envelope.minutes:g} minutes" if envelope.minutes else "",
        shown(envelope.bytes, "B") if envelope.bytes else "",
        plural(envelope.rows, "row") if envelope.rows else "",
    ]
    limits = "; ".join(part for part in [f"up to {marks.impact_word(envelope.impact).text}", *ceilings] if part)
    return Entry(Cell("·", "muted"), "The consent covered", limits, marks.told(", ".join(envelope.acts)))


def _bracket(one: Bracket, now: datetime) -> Entry:
    span = f"{moment(one.opened, now)}, {'lifted' if one.closed else 'still in force'} after {one.open_for}"
    return Entry(
        Cell("✓", "good") if one.closed else Cell("✗", "bad"),
        f"{one.task} {one.on}".rstrip(),
        str(one.open_for),
        marks.told(span),
    )
