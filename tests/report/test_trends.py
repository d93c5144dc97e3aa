"""Figures over time: what leads, what kept its objective, and how they are drawn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.model.figure import Series
from mainstay.report import html, past, terminal, trends
from mainstay.report.run import build
from tests.report.sample import NOW, good, weeks


def series(name: str, values: list[float], **more: float) -> Series:
    points = [(NOW - timedelta(days=len(values) - 1 - day), value) for day, value in enumerate(values)]
    return Series(name, "share" if more else "B", points, **more)


SIZE = series("database app", [100e6, 150e6, 180e6])
STILL = series("database old", [5e6, 5e6, 5e6])
HIT = series("cache hit", [0.95, 0.7, 0.9, 0.97], at_least=0.8)
HISTORY = {one.name: one for one in (STILL, SIZE, HIT)}


@pytest.mark.covers("KPI-06")
def test_an_objective_has_the_share_of_looks_that_kept_it() -> None:
    found = trends.trends("db", HISTORY)
    assert [(one.name, one.within) for one in found if one.objective] == [("cache hit", 0.75)]
    assert "cache hit   ≥ 80 %      97 %       4     75 %" in terminal.write(trends.document("x", found, 30, NOW))


def test_only_looks_of_the_last_thirty_days_count_for_an_objective() -> None:
    old = series("cache hit", [0.1] * 60 + [0.9] * 30, at_least=0.8)
    assert trends.trends("db", {"cache hit": old})[0].within == pytest.approx(1)


def test_what_has_an_objective_comes_first_then_what_moved_most() -> None:
    assert [one.name for one in trends.trends("db", HISTORY)] == ["cache hit", "database app", "database old"]


def test_a_figure_is_chosen_by_a_part_of_its_name() -> None:
    assert [one.name for one in trends.trends("db", HISTORY, "database")] == ["database app", "database old"]


def test_growth_is_told_with_its_share() -> None:
    assert "+80 MB (+80 %)" in terminal.write(trends.document("x", trends.trends("db", HISTORY), 30, NOW))


def test_a_page_draws_the_course_and_the_objective() -> None:
    page = html.write(trends.document("x", trends.trends("db", HISTORY), 30, NOW))
    assert page.count("<polyline") == 3
    assert 'class="limit"' in page


def test_a_site_without_figures_is_told_so() -> None:
    assert "No figures yet" in terminal.write(trends.document("x", [], 30, NOW))


def test_a_course_in_letters_rises_and_falls() -> None:
    assert trends.spark([1, 2, 8, 2, 1]) == "▁▂█▂▁"
    assert trends.spark([7, 7]) == "▁▁"
    assert len(trends.spark(list(map(float, range(1000))))) == 16


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=3000))
def test_thinning_keeps_the_extremes_and_the_order(values: list[float]) -> None:
    points = [(NOW + timedelta(minutes=minute), value) for minute, value in enumerate(values)]
    kept = past.thinned(points)
    assert len(kept) <= past.POINTS
    assert {min(values), max(values)} <= {value for _, value in kept}
    assert kept == sorted(kept, key=lambda point: point[0])


@pytest.mark.covers("DBP-14")
def test_a_run_tells_what_it_gave_back_and_draws_its_history() -> None:
    heap = series("heap app.public.orders", [700e6, 784e6, 527e6])
    report = build(good(3), weeks(), NOW, figures={"db": {heap.name: heap}})
    assert report.reclaimed == 271_000_000
    assert [one.fact for one in report.trends] == ["heap app.public.orders"]
    told = {one.name: (one.before, one.after) for one in report.measures}
    assert told["dead rows app.public.orders"] == (412_000, 1_200)
