"""Retention obeys its laws, and a year of daily backups is simulated in seconds."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

LAWS = "tests/vault/test_retention.py"


def measure() -> Iterator[Goal]:
    """Run each law on its own."""
    yield proven("retention: every backup has one verdict", "kept + dropped = all", LAWS, "-k", "exactly_one_verdict")
    yield proven("retention: a more generous policy", "never keeps less", LAWS, "-k", "more_generous")
    yield proven("retention: the newest proven backup", "never dropped", LAWS, "-k", "newest_proven")
    yield proven("retention: deltas", "none without its base", "tests/vault/test_prune.py", "-k", "loses_its_base")
    yield proven("retention: a year of daily backups", "settles to its tiers", LAWS, "-k", "year")
