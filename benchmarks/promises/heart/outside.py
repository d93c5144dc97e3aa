"""A kind from outside the repository, written from docs/adding-a-kind alone, is bound, documented, line-checked and lawful."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import tested


def measure() -> Iterator[Goal]:
    """Install the kind as an entry point, use it, run the laws over it, and count its lines."""
    found = tested("tests/laws/test_outside.py")
    counts = {name: int(lines) for name, lines in re.findall(r"'(\w+)\.py': (\d+)", found.said)}
    lines = " + ".join(f"{name} {count}" for name, count in counts.items())
    measured = f"{found.passed} tests passed; {sum(counts.values())} lines of code ({lines})"
    yield Goal("a kind from outside", "bound, documented, line-checked, lawful", measured, found.all_passed and bool(counts))
