"""Whether everything that has to be protected is, and whether two repositories of it can be lost together. Pure."""

from __future__ import annotations

from mainstay.kinds.backup.facts import RepositoryFacts
from mainstay.model.because import Finding, Level, because


def gaps(facts: RepositoryFacts) -> list[Finding]:
    """Find targets that are protected by nothing, and those whose repositories share a disk; tell what is left out, and why."""
    seen = facts.review
    advice = "add it to `of` of a repository, or to `leave_out` with the reason"
    found = [
        Finding(Level.WARNING, name, because("protected by nothing: no repository names it", None), advice)
        for name in seen.unprotected
    ]
    found += [
        Finding(Level.OK, name, because("it needs no backup (leave_out)", why)) for name, why in sorted(seen.left_out.items())
    ]
    return found + [
        Finding(
            Level.WARNING,
            name,
            because("its repositories are on one disk, and are lost together", f"{facts.name} and {other}"),
            "move one of them to another disk",
        )
        for name, other in sorted(seen.beside.items())
    ]
