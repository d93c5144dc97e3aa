"""What the newest rehearsal of each routine has shown. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.backup.facts import RepositoryFacts
from mainstay.model.because import Finding, Level, because


def rehearsals(facts: RepositoryFacts) -> Iterator[Finding]:
    """Tell how each went; what failed on a copy would fail at the live target."""
    for one in facts.rehearsals:
        on = f"rehearsal of {one.of}"
        if one.failures:
            reason = because(f"{one.at:%Y-%m-%d}, failed", one.failures[0])
            yield Finding(Level.WARNING, on, reason, f"mainstay rehearse {one.of} --last")
        else:
            yield Finding(Level.OK, on, because(f"{one.at:%Y-%m-%d}, tasks done and taken back", ", ".join(one.acted) or "none"))
