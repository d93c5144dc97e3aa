"""The documents of the reading commands: a plan, runs, the state of the targets, findings, and why something is decided."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from mainstay.model.because import Finding, Level
from mainstay.model.plan import Impact, On, OneWay, Plan, Step, shown
from mainstay.model.run import Estimate, RunRecord
from mainstay.model.units import Duration
from mainstay.report import marks, quantity
from mainstay.report.compare import flat
from mainstay.report.document import (
    Block,
    Cell,
    Document,
    Entry,
    Paragraph,
    Section,
    Tile,
    Tiles,
    listed,
    plural,
    sections,
    table,
)
from mainstay.report.period import run_line
from mainstay.report.period_page import runs_table
from mainstay.report.run import Left
from mainstay.report.run_page import left_entries

_NOTHING: Mapping[str, Estimate] = {}
_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')


@dataclass(frozen=True)
class Forecast:
    """One task of a plan shown beforehand. `because` says why the task would not run at all, if so."""

    plan: Plan
    took: Duration | None = None
    budget: Duration | None = None
    because: str = ""
    bracket: bool = False
    estimates: tuple[Estimate, ...] = ()
    rehearsed: Duration | None = None


def plan(routine: str, forecasts: Sequence[Forecast], now: datetime) -> Document:
    """Tell what a routine is going to do, as far as it can be told before it starts."""
    steps = sum(len(one.plan.steps) for one in forecasts)
    impact = max((one.plan.impact for one in forecasts), default=Impact.NONE)
    took = sum(one.took or 0.0 for one in forecasts)
    blind = sum(bool(one.because) for one in forecasts)
    badge = Cell(plural(steps, "step") if steps else "nothing to do", "info" if steps else "good")
    return Document(
        title=f"Plan of {routine}",
        badge=Cell(f"{plural(blind, 'task')} cannot look", "warn") if blind else badge,
        summary="A forecast: each task is observed and planned again when its turn comes.",
        sections=sections(
            Section("", (Tiles(tuple(_plan_tiles(impact, took, sum(len(one.plan.skips) for one in forecasts)))),)),
            *(_forecast(one) for one in forecasts),
        ),
        colophon=f"Made {now:%Y-%m-%d %H:%M %Z}. Nothing has been changed.",
    )


def runs(records: Sequence[RunRecord], now: datetime) -> Document:
    """List runs, newest first."""
    lines = [run_line(run, now) for run in sorted(records, key=lambda run: run.began, reverse=True)]
    content = runs_table(lines, now) if lines else Paragraph("No run is in the journal yet.", "muted")
    return Document("Runs", Cell(plural(len(lines), "run")), "", sections=(Section("", (content,)),))


def findings(title: str, found: Sequence[Finding]) -> Document:
    """Tell findings, the worst first."""
    ordered = sorted(found, key=lambda one: -one.level)
    worst = ordered[0].level if ordered else Level.OK
    content = listed(ordered, marks.finding_entry) if ordered else Paragraph("Nothing to remark.", "good")
    return Document(title, marks.level_word(worst), "", sections=(Section("", (content,)),))


def readiness(routine: str, found: Sequence[Finding]) -> Document:
    """Tell whether a routine is ready for its next slot, the worst first."""
    ordered = sorted(found, key=lambda one: -one.level)
    badges = {Level.OK: Cell("go", "good"), Level.WARNING: Cell("go, with warnings", "warn")}
    badge = badges.get(ordered[0].level, Cell("no go", "bad"))
    content = Section("", (listed(ordered, marks.finding_entry),))
    return Document(f"Is {routine} ready?", badge, "Asked now; nothing was begun.", sections=(content,))


def why(task: str, facts: Any, decided: Plan, item: str = "") -> Document:
    """Tell how facts led to decisions; with `item`, only what names it."""
    steps = [step for step in decided.steps if _names(item, step.on)]
    left = [Left.alone(task, skip) for skip in decided.skips if _names(item, skip.on)]
    wanted = (item, ".".join(_parts(item)))
    rows = [
        (Cell(name), Cell(quantity.shown(value, quantity.unit_of(name, value))))
        for name, value in flat(facts).items()
        if any(one in name for one in wanted)
    ]
    return Document(
        title=f"Why {task}{f' {item}' if item else ''}",
        badge=Cell(plural(len(steps), "step")),
        summary=f"Decided {decided.made_at:%Y-%m-%d %H:%M:%S %Z} from the facts below.",
        sections=sections(
            Section("To be done", (listed(steps, _step),) if steps else ()),
            Section("Left alone", (left_entries(left, named=False),) if left else ()),
            Section("Facts", (table(("fact", "#value"), rows),) if rows else ()),
        ),
    )


def _names(item: str, on: On) -> bool:
    """Tell whether an item is part of an id's text, or names it as SQL does: `public.orders` for table app public orders."""
    parts = _parts(item)
    return item in shown(on) or any(list(on[place : place + len(parts)]) == parts for place in range(len(on)))


def _parts(item: str) -> list[str]:
    """Split a name at the dots outside double quotes, and take those quotes away."""
    return [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in _PART.findall(item)]


def _plan_tiles(impact: Impact, took: float, skips: int) -> list[Tile]:
    word = marks.impact_word(impact)
    return [
        Tile("highest impact", word.text, "", word.tone),
        Tile("forecast", str(Duration(took)) if took else quantity.DASH),
        Tile("left alone", f"{skips:,}"),
    ]


def _forecast(one: Forecast) -> Section:
    left = [Left.alone(one.plan.task, skip) for skip in one.plan.skips]
    lengths = [f"forecast {one.took}" if one.took else "", f"budget {one.budget}" if one.budget else ""]
    lengths += [f"rehearsed in {one.rehearsed}"] if one.rehearsed is not None else []
    title = " · ".join(part for part in (one.plan.task, "bracket" if one.bracket else "", *lengths) if part)
    entry = partial(_step, usual={known.action: known for known in one.estimates})
    blocks: list[Block] = [
        *([Paragraph(f"Will not run: {one.because}", "warn")] if one.because else []),
        *([listed(one.plan.steps, entry)] if one.plan.steps else []),
        *([left_entries(left, named=False)] if left else []),
    ]
    return Section(title, tuple(blocks) or (Paragraph("Nothing to do.", "muted"),))


def _step(step: Step, usual: Mapping[str, Estimate] = _NOTHING) -> Entry:
    final = f"cannot be taken back: {step.reverse.one_way}" if isinstance(step.reverse, OneWay) else ""
    lines = (*marks.told(str(step.because)), *((Cell(final, "warn"),) if final else ()))
    known = usual.get(step.action)
    took = f"{known.p50}, at most {known.p95} in {known.times} runs" if known else ""
    meta = " · ".join(part for part in (_cost(step), took, marks.impact_word(step.impact).text) if part)
    return Entry(Cell("→", "info"), f"{step.action} {shown(step.on)}".strip(), meta, lines)


def _cost(step: Step) -> str:
    cost = step.cost
    sizes = [quantity.shown(cost.bytes, "B") if cost.bytes else "", plural(cost.rows, "row") if cost.rows else ""]
    return ", ".join(part for part in [*sizes, plural(cost.files, "file") if cost.files else ""] if part)
