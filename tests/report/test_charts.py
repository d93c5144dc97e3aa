"""The charts: round axes, and drawings that stay inside their frame."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.model.because import Unit
from mainstay.report import charts
from mainstay.report.past import Point, Series
from tests.report.sample import NOW


@pytest.mark.parametrize(
    ("high", "unit", "wanted"),
    [(10, "", [0, 5, 10]), (1300, "", [0, 500, 1000]), (900, "s", [0, 300, 600, 900]), (0.5, "share", [0, 0.2, 0.4])],
)
def test_axes_have_round_steps(high: float, unit: Unit, wanted: list[float]) -> None:
    assert charts.ticks(0, high, unit, 3) == wanted


def test_a_clock_has_round_minutes() -> None:
    began = datetime(2026, 10, 4, 2, 0, 20, tzinfo=NOW.tzinfo)
    assert [text for _, text in charts.clock_ticks(began, began + timedelta(minutes=22))] == ["02:05", "02:10", "02:15", "02:20"]


@given(st.floats(-1e12, 1e12), st.floats(0, 1e12), st.sampled_from(["", "s", "B", "share"]))
def test_an_axis_never_has_many_marks(low: float, length: float, unit: Unit) -> None:
    assert len(charts.ticks(low, low + length, unit)) <= 9


def series(values: list[float]) -> Series:
    return Series(
        "db", "database_bytes", "B", tuple(Point(NOW + timedelta(days=day), value, "r") for day, value in enumerate(values))
    )


@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=40))
def test_every_drawing_is_sound_and_inside_its_frame(values: list[float]) -> None:
    for drawn in (charts.course(series(values), "size"), charts.columns(series(values), "size", limit=max(values) / 2)):
        root = ElementTree.fromstring(drawn)
        assert root.find("{http://www.w3.org/2000/svg}desc") is not None
        shares = [float(one) for one in re.findall(r'="([-\d.]+)%"', drawn)]
        assert all(0 <= share <= 100.01 for share in shares)


def test_a_task_outside_the_run_stays_on_the_page() -> None:
    bar = charts.Bar(NOW - timedelta(hours=9), NOW + timedelta(hours=9), "info", "<b>")
    drawn = charts.timeline([charts.Lane("a", "b", None, (bar,))], (NOW, NOW), "course")
    assert 'width="100.00%"' in drawn or 'width="0.40%"' in drawn
    assert "<b>" not in drawn


def test_nothing_of_nothing_can_be_drawn() -> None:
    assert "<rect" in charts.gauges([charts.Gauge("a", "0s", 0, None, None, "info")], "durations")
