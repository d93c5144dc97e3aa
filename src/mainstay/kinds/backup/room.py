"""Room for backups: what the next one needs, what the budgets allow, and when they will be full. Pure."""

from __future__ import annotations

from statistics import median

from mainstay.kinds.backup.facts import RepositoryFacts
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.units import Duration, Size
from mainstay.vault.retention import TIERS, decide

_DAY = 86_400
_LOOKED_BACK = 10  # backups whose additions foretell the next one
_TOLD = 3  # backups that are named, the largest first


def addition(facts: RepositoryFacts, target: str, dump: Size) -> Size:
    """Return the bytes that a backup is expected to add: the median of what the last ones added; of a first one, its dump."""
    last = facts.of(target)[-_LOOKED_BACK:]
    return Size(median([entry.added for entry in last])) if last else dump


def refusal(facts: RepositoryFacts, target: str, dump: Size) -> Because | None:
    """Say why a backup must not begin: it would not fit into the disk, or into a budget."""
    need, settings = addition(facts, target, dump), facts.settings
    if facts.identity and facts.free < 2 * dump:
        return because("free room", facts.free, "<", Size(2 * dump))
    if facts.identity and facts.free - need < settings.limits.min_free:
        return because("free room after it", Size(facts.free - need), "<", settings.limits.min_free, "limits.min_free")
    total, own = Size(facts.catalogue.stored + need), Size(facts.catalogue.shares.get(target, 0) + need)
    if settings.budget is not None and total > settings.budget:
        return because("bytes of the repository with it", total, ">", settings.budget, "budget")
    if own > (limit := settings.budgets.get(target, own)):
        return because(f"bytes of the backups of {target} with it", own, ">", limit, "budgets")
    return None


def tight(facts: RepositoryFacts) -> list[Finding]:
    """Find a disk or a budget that is full, or will be soon."""
    limits, left = facts.settings.limits, _left(facts)
    found = [*_free(facts), *_over(facts)]
    if found or not facts.review.growth or facts.review.growth <= 0:
        return found
    days = left / facts.review.growth
    reason = because(
        "time until it is full, as it has grown", Duration(days * _DAY), "<", limits.full_within, "limits.full_within"
    )
    if days * _DAY >= limits.full_within:
        return []
    rate = f"it grows by {Size(facts.review.growth)} a day, and {left} are left"
    return [Finding(Level.WARNING, "repository", reason, f"{rate}: {_largest(facts)}")]


def _left(facts: RepositoryFacts) -> Size:
    budget, free = facts.settings.budget, facts.free - facts.settings.limits.min_free
    return Size(max(0, free if budget is None else min(free, budget - facts.catalogue.stored)))


def _free(facts: RepositoryFacts) -> list[Finding]:
    least = facts.settings.limits.min_free
    if not facts.identity or facts.free >= least:
        return []
    reason = because("free room", facts.free, "<", least, "limits.min_free")
    return [Finding(Level.CRITICAL, "repository", reason, f"free some, or ask for less in keep: {_largest(facts)}")]


def _over(facts: RepositoryFacts) -> list[Finding]:
    """Find what is beyond a budget already; nothing is deleted for that, since the rules of keep ask for it."""
    settings, seen = facts.settings, facts.catalogue
    parts = [("repository", "bytes of the repository", seen.stored, settings.budget, "budget")]
    parts += [
        (name, "bytes of its backups", seen.shares.get(name, Size(0)), limit, "budgets")
        for name, limit in settings.budgets.items()
        if name in settings.of
    ]
    parts += [
        (f"keep.{tier}", "bytes that only its backups need", _own(facts, tier), settings.budgets[tier], "budgets")
        for tier in TIERS
        if tier in settings.budgets
    ]
    advice = f"raise it, or ask for less in keep; no new backup is made: {_largest(facts)}"
    return [
        Finding(Level.CRITICAL, on, because(what, size, ">", limit, param), advice)
        for on, what, size, limit, param in parts
        if limit is not None and size > limit
    ]


def _own(facts: RepositoryFacts, tier: str) -> Size:
    """Add up what a tier alone costs: the bytes of their own of the backups that stay because of it."""
    policy, max_age = facts.settings.keep, facts.settings.max_age
    verdicts = [one for target in facts.settings.of for one in decide(facts.of(target), policy, max_age, facts.held, facts.at)]
    own = {entry.id: entry.own for entry in facts.catalogue.entries}
    return Size(sum(own[one.id] for one in verdicts if one.because.param == f"keep.{tier}"))


def _largest(facts: RepositoryFacts) -> str:
    """Name the backups whose removal would give back most."""
    ranked = sorted(facts.catalogue.entries, key=lambda entry: (-entry.own, entry.id))[:_TOLD]
    return "largest: " + ", ".join(f"{entry.id} ({entry.own} of its own)" for entry in ranked)
