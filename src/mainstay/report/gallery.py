"""Small charts of quantities over the runs, side by side, and their numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from mainstay.report.document import Cell, Figure, Gallery, Section, Table, table
from mainstay.report.past import Series
from mainstay.report.quantity import shown

Draw = Callable[[Series, str], str]


def gallery(title: str, lede: str, of: Sequence[Series], now: datetime, draw: Callable[[Series], Draw]) -> Section | None:
    """Draw each series with what `draw` returns for it; the clock is that of `now`."""
    figures = tuple(_figure(series, now, draw(series)) for series in of)
    return Section(title, (Gallery(figures, _numbers(of)),), lede) if figures else None


def _figure(series: Series, now: datetime, draw: Draw) -> Figure:
    local = replace(series, points=tuple(replace(point, at=point.at.astimezone(now.tzinfo)) for point in series.points))
    name = series.of if series.fact == "took" else f"{series.of} {series.fact}"
    return Figure(name, partial(draw, local, name), _numbers([series]), shown(series.points[-1].value, series.unit))


def _numbers(of: Sequence[Series]) -> Table:
    counted = next((series.counted for series in of), "runs")
    return table(("what", "fact", f"#{counted}", "#least", "#median", "#most", "#last"), [_row(series) for series in of])


def _row(series: Series) -> tuple[Cell, ...]:
    values = sorted(point.value for point in series.points)
    figures = (values[0], values[len(values) // 2], values[-1], series.points[-1].value)
    return (Cell(series.of), Cell(series.fact), Cell(f"{len(values)}"), *(Cell(shown(value, series.unit)) for value in figures))
