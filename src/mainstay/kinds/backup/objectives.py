"""The figures of a repository that are worth a history, with their objectives. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.backup.facts import RepositoryFacts, newest
from mainstay.kinds.backup.review import RPO, STORED
from mainstay.model.figure import Figure


def figures(facts: RepositoryFacts) -> Iterator[Figure]:
    """Return the stored bytes, and of each target what would be lost (RPO), the time to rebuild it (RTO), and its dump."""
    settings = facts.settings
    if facts.identity:
        yield Figure(STORED, facts.catalogue.stored, "B", at_most=settings.budget, stored=True)
    if facts.drill:
        yield Figure("rto of everything", facts.drill.took, "s", at_most=settings.limits.max_rto)
    for target in settings.of:
        proven = newest(entry for entry in facts.of(target) if entry.proven)
        if proven is None:
            continue
        age = (facts.at - proven.created).total_seconds()
        yield Figure(f"{RPO} {target}", age, "s", at_most=settings.max_age)
        yield Figure(f"dump {target}", proven.raw, "B")
        if proven.rebuilt is not None:
            yield Figure(f"rto {target}", proven.rebuilt, "s", at_most=settings.limits.max_rto)
        if (share := facts.review.covered.get(target)) is not None:
            yield Figure(f"success {target}", share, "share", at_least=settings.limits.min_success)
