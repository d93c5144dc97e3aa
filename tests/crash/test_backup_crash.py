"""kill -9 after every journal write of a routine that backs up, proves and prunes: it converges, and nothing is left for good."""

from __future__ import annotations

import pytest

from tests.crash.backup_world import Result, attempt, kills


@pytest.mark.parametrize("count", [5, 11, 17])
def test_a_kill_after_a_journal_write_is_survived(count: int) -> None:
    assert attempt(count) == Result(count, 0, fired=True)


@pytest.mark.slow
@pytest.mark.parametrize("delay", [0, 0.05], ids=["between writes", "in the middle of an act"])
def test_a_kill_after_every_journal_write_is_survived(delay: float) -> None:
    results = kills(delay)
    print(f"{len(results)} kills fired, {sum(bool(result.faults) for result in results)} with faults")
    assert [result for result in results if result.faults] == []
    assert len(results) >= 15
