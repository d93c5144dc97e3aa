"""Figures over time: kept, judged by their objective, and small after years."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainstay.ledger import database
from mainstay.ledger.samples import RAW, Samples
from mainstay.model.figure import Figure

NOW = datetime(2026, 10, 4, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    return Samples(tmp_path / "state")


def hourly(samples: Samples, days: float, value: Callable[[datetime], float]) -> None:
    for number in range(round(days * 24), -1, -1):
        at = NOW - number * HOUR
        samples.record("db", at, [Figure("size app", value(at), "B")])


def test_a_figure_comes_back_with_its_unit_oldest_first(samples: Samples) -> None:
    hourly(samples, 1, lambda at: at.hour)
    found = samples.history("db")["size app"]
    assert found.unit == "B"
    assert [value for _, value in found.points][:3] == [9, 10, 11]
    assert found.points[-1] == (NOW, 9)


def test_a_history_begins_where_it_is_asked_for(samples: Samples) -> None:
    hourly(samples, 1, lambda _: 1)
    assert len(samples.history("db", NOW - 3 * HOUR)["size app"].points) == 4


def test_a_history_is_of_the_figures_that_are_asked_for(samples: Samples) -> None:
    samples.record("db", NOW, [Figure("size a", 1), Figure("size b", 2), Figure("size c", 3)])
    assert set(samples.history("db", None, ["size a", "size c", "gone"])) == {"size a", "size c"}


def test_targets_do_not_see_one_another(samples: Samples) -> None:
    samples.record("db", NOW, [Figure("size app", 1)])
    assert samples.history("other") == {}


@pytest.mark.covers("DBP-14")
def test_old_values_become_the_mean_of_their_day(samples: Samples, tmp_path: Path) -> None:
    hourly(samples, 93, lambda at: at.hour)
    points = samples.history("db")["size app"].points
    whole = [(at, value) for at, value in points if at.hour == 12 and at < NOW - RAW]
    assert [value for _, value in whole][1:] == [11.5, 11.5]  # of 0 to 23; the first day begins at half past nine
    with closing(sqlite3.connect(tmp_path / "state" / "samples.db")) as other:
        assert other.execute("SELECT count(*) FROM rollup").fetchone() == (3,)
        assert other.execute("SELECT min(at) FROM sample").fetchone()[0] >= (NOW - RAW - timedelta(days=1)).timestamp() * 1e6


def test_the_newest_objective_counts_for_all_values(samples: Samples) -> None:
    samples.record("db", NOW - HOUR, [Figure("cache hit", 0.75, "share", at_least=0.9)])
    samples.record("db", NOW, [Figure("cache hit", 0.95, "share", at_least=0.8)])
    found = samples.history("db")["cache hit"]
    assert found.at_least == 0.8
    assert [found.within(value) for _, value in found.points] == [False, True]


def test_a_memory_of_the_first_version_is_taken_over(tmp_path: Path) -> None:
    state = tmp_path / "state"
    database.prepare(state)
    with closing(database.connect(state / "samples.db", "samples", "NORMAL", 1)) as first:
        first.execute("INSERT INTO series (target, name, unit) VALUES ('db', 'size app', 'B')")
        first.execute("INSERT INTO sample SELECT id, ?, 7 FROM series", (round(NOW.timestamp() * 1e6),))
    assert Samples(state).history("db")["size app"].points == [(NOW, 7)]
