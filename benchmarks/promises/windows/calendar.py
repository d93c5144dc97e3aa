"""Three years of the documented systems' routines: the approved calendar, blackouts respected, nobody meets anybody."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

YEARS = "tests/engine/test_three_years.py"


def measure() -> Iterator[Goal]:
    """Let a clock go through three years, four systems each time."""
    yield proven("calendar: every slot of four systems", "the approved one", YEARS, "-k", "approved")
    yield proven("calendar: two routines of a system", "never meet", YEARS, "-k", "meet")
    yield proven("calendar: July 1, and the week before a survey", "nothing that people notice", YEARS, "-k", "july_1")
    yield proven("calendar: 24 hours after a schedule is published", "put off or held back", YEARS, "-k", "published")
    yield proven("blackouts: at the gate, backups go on", "as configured", "tests/engine/test_blackouts.py")
