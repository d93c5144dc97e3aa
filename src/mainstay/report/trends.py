"""Figures over time: their course, how much they moved, and how often they kept their objective."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from mainstay.model.because import Unit
from mainstay.model.figure import Point, Series
from mainstay.model.units import Share
from mainstay.report import charts, past
from mainstay.report.document import Cell, Document, Figure, Gallery, Paragraph, Section, Table, plural, sections, table
from mainstay.report.quantity import DASH, change_of, shown, signed

CHARTS = 24  # of one target
_SPARK = "▁▂▃▄▅▆▇█"
_WIDTH = 16  # letters of a course
_MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Trend:
    """One figure of a target over the time that was asked for. `within` is the share of its values that kept the objective."""

    target: str
    name: str
    unit: Unit
    points: tuple[Point, ...]
    at_most: float | None = None
    at_least: float | None = None
    within: Share | None = None

    @property
    def change(self) -> float:
        """What it has moved by."""
        return self.points[-1][1] - self.points[0][1]

    @property
    def movement(self) -> float:
        """How far it has moved, relative to the highest value."""
        values = [abs(value) for _, value in self.points]
        return (max(values) - min(values)) / max(values) if max(values) else 0.0

    @property
    def objective(self) -> str:
        """Its objective for people."""
        limits = (("≤", self.at_most), ("≥", self.at_least))
        return " and ".join(f"{sign} {shown(limit, self.unit)}" for sign, limit in limits if limit is not None)


def trends(target: str, history: Mapping[str, Series], figure: str = "") -> list[Trend]:
    """Return the figures whose name holds `figure`: those with an objective first, then those that moved most."""
    found = [_trend(target, one) for one in history.values() if figure in one.name and one.points]
    return sorted(found, key=lambda one: (one.within is None, -one.movement, one.name))


def document(title: str, found: Sequence[Trend], days: int, now: datetime) -> Document:
    """Tell trends, target by target."""
    targets = {one.target: [other for other in found if other.target == one.target] for one in found}
    nothing = Section("", (Paragraph("No figures yet: they are written down by every look and every run.", "muted"),))
    return Document(
        title=title,
        badge=Cell(plural(len(found), "figure")),
        summary=f"The last {plural(days, 'day')}.",
        sections=sections(
            _objectives(found), *(_target(name, of, now) for name, of in targets.items()), None if found else nothing
        ),
        colophon=f"Made {now:%Y-%m-%d %H:%M %Z} from what looks and runs have written down; beyond 90 days, means of days.",
    )


def spark(values: Sequence[float], width: int = _WIDTH) -> str:
    """Draw a course in letters, the newest at the right."""
    chosen = [values[len(values) * place // width] for place in range(width)] if len(values) > width else list(values)
    low, high = min(chosen), max(chosen)
    scale = (len(_SPARK) - 1) / (high - low) if high > low else 0
    return "".join(_SPARK[round((value - low) * scale)] for value in chosen)


def _trend(target: str, series: Series) -> Trend:
    objective = series.at_most is not None or series.at_least is not None
    recent = [value for at, value in series.points if at > series.points[-1][0] - _MONTH] if objective else []
    within = Share(sum(map(series.within, recent)) / len(recent)) if objective else None
    return Trend(target, series.name, series.unit, tuple(series.points), series.at_most, series.at_least, within)


def _objectives(found: Iterable[Trend]) -> Section | None:
    rows = [
        (Cell(f"{one.target} {one.name}"), Cell(one.objective), Cell(shown(one.points[-1][1], one.unit)),
         Cell(f"{len(one.points):,}"), Cell(shown(one.within, "share"), "good" if one.within >= 1 else "warn"))
        for one in found
        if one.within is not None
    ]  # fmt: skip
    lede = "How many of the looks of the last 30 days were within the objective."
    return Section("Objectives", (table(("figure", "objective", "#last", "#looks", "#within"), rows),), lede) if rows else None


def _target(name: str, found: Sequence[Trend], now: datetime) -> Section:
    drawn = tuple(_figure(one, now) for one in found if len(one.points) > 1)[:CHARTS]
    numbers = _numbers(found)
    return Section(name, (Gallery(drawn, numbers) if drawn else numbers,))


def _numbers(found: Sequence[Trend]) -> Table:
    return table(("figure", "course", "#last", "#change"), [_row(one) for one in found])


def _row(one: Trend) -> tuple[Cell, ...]:
    values = [value for _, value in one.points]
    return (Cell(one.name), Cell(spark(values), "info"), Cell(shown(values[-1], one.unit)), Cell(_change(one)))


def _change(one: Trend) -> str:
    if len(one.points) < 2:
        return DASH
    share = (
        f" ({change_of(one.change / abs(one.points[0][1]))})" if one.points[0][1] and one.change and one.unit != "share" else ""
    )
    return signed(one.change, one.unit) + share


def _figure(one: Trend, now: datetime) -> Figure:
    points = tuple(past.Point(at.astimezone(now.tzinfo), value, "") for at, value in past.thinned(one.points))
    series = past.Series(one.target, one.name, one.unit, points, "looks")
    limit = one.at_most if one.at_most is not None else one.at_least
    draw = partial(charts.course, series, one.name, limit)
    return Figure(one.name, draw, table((), ()), shown(one.points[-1][1], one.unit))
