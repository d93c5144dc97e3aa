"""kill -9 between every two journal writes, and at every sync: afterwards everything converges."""

from __future__ import annotations

import pytest

from tests.crash.crashes import CALLS, Point, Result, attempt, call_kills, double_kills, single_kills


def assert_all_converged(results: list[Result], at_least: int) -> None:
    fired = sum(result.fired for result in results)
    print(f"{fired} kills fired, {sum(bool(result.faults) for result in results)} runs with faults")
    assert [result for result in results if result.faults] == []
    assert fired >= at_least


def test_without_a_kill_the_change_is_taken_back_under_its_brackets() -> None:
    assert attempt(Point(0, 999)).faults == ()


@pytest.mark.covers("AUT-05", "RBK-01")
@pytest.mark.parametrize("point", [Point(0, 4), Point(1, 9), Point(1, 24, 0.04), Point(1, 8, 0.04, "", 5)], ids=str)
def test_a_kill_is_survived(point: Point) -> None:
    assert_all_converged([attempt(point)], at_least=1)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 0.04], ids=["between writes", "with a child at work"])
def test_a_kill_between_every_two_journal_writes_is_survived(delay: float) -> None:
    assert_all_converged(single_kills(delay), at_least=40)


@pytest.mark.slow
def test_a_second_kill_during_recovery_is_survived() -> None:
    assert_all_converged(double_kills(40), at_least=60)


@pytest.mark.slow
def test_a_kill_at_every_sync_and_rename_is_survived() -> None:
    assert_all_converged(call_kills(CALLS), at_least=40)
