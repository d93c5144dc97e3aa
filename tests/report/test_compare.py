"""Facts flattened and compared."""

from __future__ import annotations

import pytest

from mainstay.report.compare import Delta, flat, judged
from mainstay.report.quantity import change_of, shown, signed, unit_of


@pytest.mark.parametrize(
    ("fact", "unit"),
    [
        ("table_bytes", "B"),
        ("size", "B"),
        ("wait_s", "s"),
        ("took", "s"),
        ("lag_seconds", "s"),
        ("dead_share", "share"),
        ("rows", ""),
    ],
)
def test_the_name_of_a_fact_tells_its_unit(fact: str, unit: str) -> None:
    assert unit_of(fact) == unit


def test_items_of_a_list_go_by_their_name_and_moments_are_left_out() -> None:
    facts = {"at": "2026-10-04T00:00:00+00:00", "tables": [{"name": "orders", "rows": 3}], "sizes": [5]}
    assert flat(facts) == {"tables.orders.name": "orders", "tables.orders.rows": 3, "sizes.0": 5}


def test_endless_facts_are_cut() -> None:
    assert len(flat({"rows": list(range(100_000))})) == 2000


def delta(before: float, after: float) -> Delta:
    return Delta("db", "rows", before, after, "", after - before, (after - before) / before)


@pytest.mark.parametrize(("after", "odd"), [(150, ""), (199, ""), (201, "+101 % in one run"), (49, "−51 % in one run")])
def test_without_history_doubling_and_halving_stand_out(after: float, odd: str) -> None:
    assert judged(delta(100, after), [], meant=False).why == odd


def test_what_a_step_meant_to_change_is_not_odd() -> None:
    assert judged(delta(100, 1), [], meant=True).why == ""


def test_with_history_the_usual_change_is_the_measure() -> None:
    assert judged(delta(100, 40), [-60, -59, -61, -60, -58], meant=True).why == ""
    assert judged(delta(100, 99), [-60, -59, -61, -60, -58], meant=True).why == "usually −60"


def test_a_history_without_spread_does_not_make_trifles_odd() -> None:
    assert judged(delta(100, 103), [0, 0, 0, 0, 0], meant=False).why == ""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (signed(-271e6, "B"), "−271 MB"),
        (signed(0), "±0"),
        (change_of(11), "×12"),
        (shown(None), "–"),
        (shown(True), "yes"),
        (shown(0.0, "s"), "0s"),
    ],
)
def test_quantities_are_printed_for_people(text: str, wanted: str) -> None:
    assert text == wanted
