"""Charts as SVG, drawn here: pure functions from numbers to a string that needs no script and nothing from elsewhere.

The horizontal axis is in per cent, so a chart is as wide as its page while its letters keep their size, on a phone and on paper.
Colours are classes (`tone-warn`), so the page decides about light and dark. A chart has a title and a description for those
who cannot see it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Literal

from mainstay.model.because import Unit
from mainstay.report.document import Tone, clean
from mainstay.report.past import Series
from mainstay.report.quantity import shown

LABEL = 48  # characters
ROW = 44  # of a lane, in pixels
GUTTER = 15  # per cent of a small chart, for the words of its axis
FLOOR = 92  # where a small chart has its axis
_SECONDS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)


@dataclass(frozen=True)
class Bar:
    """A stretch of time on a lane; its look is `hollow` for what was taken back, `failed` for what went wrong."""

    began: datetime
    ended: datetime
    tone: str
    title: str
    look: Literal["", "hollow", "failed"] = ""


@dataclass(frozen=True)
class Lane:
    """One line of a timeline: a name, a remark at the right, a track and what lies on it."""

    label: str
    note: str
    track: tuple[datetime, datetime] | None
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Gauge:
    """A value, what was expected of it, and its limit."""

    label: str
    note: str
    value: float
    expected: float | None
    limit: float | None
    tone: Tone


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def y(self, value: float) -> float:
        return FLOOR - (FLOOR - 14) * (value - self.low) / ((self.high - self.low) or 1.0)


def timeline(lanes: Sequence[Lane], span: tuple[datetime, datetime], title: str) -> str:
    """Draw lanes over a clock; `span` is in the zone whose clock is shown."""
    began, ended = span
    length = max((ended - began).total_seconds(), 1.0)

    def place(at: datetime) -> float:
        return 100 * min(max((at - began).total_seconds() / length, 0.0), 1.0)

    height = len(lanes) * ROW + 22
    marks = [(place(at), text) for at, text in clock_ticks(began, ended)]
    parts = [_grid(marks, height - 20), *(_lane(lane, row * ROW + 16, place) for row, lane in enumerate(lanes))]
    told = "; ".join(f"{lane.label}: {lane.note}" for lane in lanes)
    return _svg(height, title, told, "".join(parts))


def gauges(rows: Sequence[Gauge], title: str) -> str:
    """Draw durations on one scale: a bar for what it was, a mark for the forecast, a bracket for the budget."""
    budgets = [row.limit for row in rows if row.limit and row.limit < 4 * row.value]
    top = max([1e-3, *budgets, *(max(row.value, row.expected or 0) for row in rows)]) * 1.04
    marks = [(100 * tick / top, shown(tick, "s")) for tick in ticks(0, top, "s")]
    height = len(rows) * ROW + 22
    parts = [_grid(marks, height - 20), *(_gauge(row, place * ROW + 16, top) for place, row in enumerate(rows))]
    return _svg(height, title, "; ".join(f"{row.label}: {row.note}" for row in rows), "".join(parts))


def pair(before: float, after: float, title: str, tone: Tone = "info") -> str:
    """Draw a value before over the same value after, on their own scale."""
    top = max(abs(before), abs(after)) or 1.0
    wide = [_pct(max(100 * abs(value) / top, 0.4)) for value in (before, after)]
    old = _tag("rect", _tag("title", "before"), x="0", y="4", width=wide[0], height="7", rx="2", class_="bar before")
    new = _tag(
        "rect", _tag("title", "after"), x="0", y="13", width=wide[1], height="7", rx="2", class_=f"bar tone-{tone or 'info'}"
    )
    return _svg(22, title, "the upper bar is before, the lower one after", old + new)


def columns(series: Series, title: str, limit: float | None = None) -> str:
    """Draw one column for each run, the newest at the right and in full colour."""
    values = [point.value for point in series.points]
    near = limit if limit and limit < 3 * max(values) else 0
    scale = _Scale(0, max([*values, near]) or 1.0)
    wide = (100 - GUTTER) / max(len(values), 12)
    first = 100 - wide * len(values)
    bars = []
    for place, point in enumerate(series.points):
        top, look = min(scale.y(point.value), FLOOR - 1), "column now" if place == len(values) - 1 else "column"
        box = {"x": _pct(first + wide * (place + 0.12)), "y": _px(top), "width": _pct(wide * 0.76), "height": _px(FLOOR - top)}
        bars.append(_tag("rect", _tip(point.at, point.value, series.unit), **box, rx="1.5", class_=look))
    line = _line(scale.y(near), "limit") if near else ""
    return _svg(FLOOR + 18, title, _told(series), _rulers(scale, series, bar="".join(bars)) + line)


def course(series: Series, title: str, limit: float | None = None, span: tuple[datetime, datetime] | None = None) -> str:
    """Draw one quantity over time as a line; the axis begins near where the values do, and reaches to a limit that is not far.

    A `span` is a stretch of time that is shaded.
    """
    values = [point.value for point in series.points]
    near = limit if limit is not None and abs(limit) <= 3 * max(map(abs, values)) else None
    scale = _close_to([*values, *([near] if near is not None else [])])
    begin, whole = series.points[0].at, max((series.points[-1].at - series.points[0].at).total_seconds(), 1.0)
    dots = [(100 * (point.at - begin).total_seconds() / whole, scale.y(point.value)) for point in series.points]
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in dots)
    inner = _shade([100 * max(0.0, (at - begin).total_seconds()) / whole for at in span]) if span else ""
    inner += _tag("polygon", points=f"0,{FLOOR} {path} 100,{FLOOR}", class_="area") + _tag("polyline", points=path, class_="line")
    size = {"x": f"{GUTTER}%", "width": f"{100 - GUTTER}%", "height": f"{FLOOR}"}
    box = {**size, "viewBox": f"0 0 100 {FLOOR}", "preserveAspectRatio": "none"}
    last = _tag("circle", cx="99%", cy=_px(dots[-1][1]), r="3.5", class_="dot")
    line = _line(scale.y(near), "limit") if near is not None else ""
    return _svg(FLOOR + 18, title, _told(series), _rulers(scale, series, bar=_tag("svg", inner, **box)) + line + last)


def _shade(span: Sequence[float]) -> str:
    began, ended = (min(x, 100.0) for x in span)
    return _tag("rect", x=f"{began:.2f}", width=f"{max(ended - began, 0.8):.2f}", y="0", height=f"{FLOOR}", class_="span")


def ticks(low: float, high: float, unit: Unit = "", count: int = 4) -> list[float]:
    """Return about `count` round values from low to high: 1, 2 or 5 times a power of ten; for time, what a clock divides by."""
    rough = max((high - low) / count, 1e-9)
    power = 10 ** math.floor(math.log10(rough))
    nice: Iterable[float] = [power * factor for factor in (1, 2, 5, 10)]
    if unit == "s" and rough >= 1:
        nice = [*_SECONDS, *(86400 * days for days in (2, 7, 30, 365, 3650))]
    step = next((size for size in nice if size >= rough), rough)
    first = math.ceil(low / step)
    return [round(step * place, 12) for place in range(first, math.floor(high / step) + 1)]


def clock_ticks(began: datetime, ended: datetime) -> list[tuple[datetime, str]]:
    """Return round points of the clock between two moments of one day or several, with their names."""
    rough = max((ended - began).total_seconds() / 5, 1)
    step = next((size for size in _SECONDS if size >= rough), 86400 * math.ceil(rough / 86400))
    midnight = began.replace(hour=0, minute=0, second=0, microsecond=0)
    first = math.ceil((began - midnight).total_seconds() / step)
    form = "%H:%M:%S" if step < 60 else ("%H:%M" if step < 86400 else "%d %b")
    found = (midnight + timedelta(seconds=step * place) for place in range(first, first + 12))
    return [(at, at.strftime(form)) for at in found if at <= ended]


def _close_to(values: Sequence[float]) -> _Scale:
    """Return a scale with some room around the values; it does not go below zero where they do not."""
    low, high = min(values), max(values)
    margin = ((high - low) or abs(high) or 1.0) * 0.2
    return _Scale(max(0.0, low - margin) if low >= 0 else low - margin, high + margin / 2)


def _lane(lane: Lane, y: float, place: Callable[[datetime], float]) -> str:
    parts = [_label(lane.label, lane.note, y)]
    if lane.track:
        begin, end = place(lane.track[0]), place(lane.track[1])
        parts.append(
            _tag("rect", x=_pct(begin), y=_px(y + 6), width=_pct(max(end - begin, 0.3)), height="12", rx="3", class_="track")
        )
    for bar in lane.bars:
        begin, end = place(bar.began), place(bar.ended)
        look = f"bar tone-{bar.tone} {bar.look}".rstrip()
        tip = _tag("title", escape(clean(bar.title)))
        parts.append(
            _tag("rect", tip, x=_pct(begin), y=_px(y + 6), width=_pct(max(end - begin, 0.4)), height="12", rx="3", class_=look)
        )
    return "".join(parts)


def _gauge(row: Gauge, y: float, top: float) -> str:
    parts = [_label(row.label, row.note, y)]
    if row.limit:
        width = _pct(min(100 * row.limit / top, 100))
        parts.append(_tag("rect", _tag("title", "budget"), x="0", y=_px(y + 6), width=width, height="12", rx="3", class_="track"))
    width = _pct(max(100 * row.value / top, 0.4))
    parts.append(_tag("rect", x="0", y=_px(y + 6), width=width, height="12", rx="3", class_=f"bar tone-{row.tone or 'info'}"))
    if row.limit and row.value > row.limit:
        at = _pct(100 * row.limit / top)
        parts.append(_tag("line", _tag("title", "budget"), x1=at, x2=at, y1=_px(y + 3), y2=_px(y + 21), class_="edge"))
    if row.expected:
        at = _pct(100 * row.expected / top)
        parts.append(_tag("line", _tag("title", "forecast"), x1=at, x2=at, y1=_px(y + 3), y2=_px(y + 21), class_="mark"))
    return "".join(parts)


def _label(label: str, note: str, y: float) -> str:
    name = _tag("text", escape(clean(label, LABEL)), x="0", y=_px(y), class_="label")
    return name + _tag("text", escape(clean(note, LABEL)), x="100%", y=_px(y), text_anchor="end", class_="note")


def _grid(marks: Iterable[tuple[float, str]], height: float) -> str:
    parts = []
    for x, text in marks:
        anchor = "start" if x < 4 else ("end" if x > 94 else "middle")
        parts.append(_tag("line", x1=_pct(x), x2=_pct(x), y1="0", y2=_px(height), class_="grid"))
        parts.append(_tag("text", escape(text), x=_pct(x), y=_px(height + 15), text_anchor=anchor, class_="tick"))
    return "".join(parts)


def _line(y: float, look: str) -> str:
    return _tag("line", x1=f"{GUTTER}%", x2="100%", y1=_px(y), y2=_px(y), class_=look)


def _rulers(scale: _Scale, series: Series, bar: str) -> str:
    """Lay what is drawn between the grid and its words: values at the left, the first and the last day below."""
    marks = [value for value in ticks(scale.low, scale.high, series.unit, 2) if value > scale.low]
    grid = "".join(_line(scale.y(value), "grid") for value in marks) + _line(FLOOR, "axis")
    words = [_tag("text", escape(shown(value, series.unit)), x="0", y=_px(scale.y(value) + 4), class_="tick") for value in marks]
    first, last = series.points[0].at, series.points[-1].at
    days = [f"{at:%H:%M}" if first.date() == last.date() else f"{at.day} {at:%b}" for at in (first, last)]
    words.append(_tag("text", days[0], x=f"{GUTTER}%", y=_px(FLOOR + 15), class_="tick"))
    words.append(_tag("text", days[1], x="100%", y=_px(FLOOR + 15), text_anchor="end", class_="tick"))
    return grid + bar + "".join(words)


def _tip(at: datetime, value: float, unit: Unit) -> str:
    return _tag("title", escape(f"{at:%Y-%m-%d %H:%M}: {shown(value, unit)}"))


def _told(series: Series) -> str:
    first, last = series.points[0], series.points[-1]
    values = [point.value for point in series.points]
    return (
        f"{len(values)} {series.counted} from {first.at:%Y-%m-%d} to {last.at:%Y-%m-%d}: "
        f"first {shown(first.value, series.unit)}, least {shown(min(values), series.unit)}, "
        f"most {shown(max(values), series.unit)}, last {shown(last.value, series.unit)}"
    )


def _svg(height: float, title: str, told: str, inner: str) -> str:
    head = _tag("title", escape(clean(title))) + _tag("desc", escape(clean(told, 2000)))
    return _tag(
        "svg", head + inner, xmlns="http://www.w3.org/2000/svg", role="img", class_="chart", width="100%", height=_px(height)
    )


def _tag(name: str, inner: str = "", **attributes: str) -> str:
    written = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{inner}</{name}>" if inner else f"<{name}{written}/>"


def _pct(value: float) -> str:
    return f"{value:.2f}%"


def _px(value: float) -> str:
    return f"{value:.1f}"
