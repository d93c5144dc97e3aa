"""Whether the backups of each target are as they have to be: young, proven, of the usual size and content. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import median

from mainstay.kinds.backup.facts import RepositoryFacts, newest
from mainstay.kinds.backup.review import ENOUGH, USUAL
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Duration, Share, Size
from mainstay.vault.catalogue import Entry
from mainstay.vault.retention import of_months

_NOTICED = Duration(60)  # a backup that takes less may vary as it likes
_MONTHS = 3  # so many months back an approval is asked for


def judged(facts: RepositoryFacts, target: str) -> list[Finding]:
    """Return one finding about the newest proven backup, and one for everything that is unusual."""
    entries = facts.of(target)
    unusual = [*_size(facts, entries), *_duration(facts, entries)] if entries else []
    return [_age(facts, target), *unusual, *_content(facts, target), *_objectives(facts, target), *_approvals(facts, target)]


def _age(facts: RepositoryFacts, target: str) -> Finding:
    entries = facts.of(target)
    last = newest(entries)
    proven = newest(entry for entry in entries if entry.proven)
    if last is None:
        return Finding(Level.CRITICAL, target, because("backups", 0), "run the tasks backup and prove")
    if last.created > facts.at:
        reason = because("the newest backup lies in the future", f"{last.created:%Y-%m-%d %H:%M:%S}")
        return Finding(Level.CRITICAL, target, reason, "correct the clock; nothing is pruned until then")
    if last.differences:
        reason = because("the newest backup failed its proof", last.differences[0])
        return Finding(Level.CRITICAL, target, reason, "make a new backup, and look for the cause of the damage")
    if proven is None:
        return Finding(Level.CRITICAL, target, because("proven backups", 0), "run the task prove")
    age, limit = Duration((facts.at - proven.created).total_seconds()), facts.settings.max_age
    if age > limit:
        reason = because("age of the newest proven backup", age, ">", limit, "max_age")
        return Finding(Level.CRITICAL, target, reason, "run the tasks backup and prove")
    return Finding(Level.OK, target, because("age of the newest proven backup", age, "<=", limit, "max_age"))


def _usual(entries: tuple[Entry, ...], value: Callable[[Entry], float]) -> float:
    """Return what was usual before the newest backup; 0 where there were too few."""
    before = [value(entry) for entry in entries[-USUAL - 1 : -1]]
    return median(before) if len(before) >= ENOUGH else 0


def _size(facts: RepositoryFacts, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    limits, last = facts.settings.limits, entries[-1]
    if last.raw < limits.min_size:
        reason = because("bytes of the newest dump", last.raw, "<", limits.min_size, "limits.min_size")
        yield Finding(Level.CRITICAL, last.target, reason, "is it the right database or folder?")
    usual = _usual(entries, lambda entry: entry.raw)
    change = last.raw / usual - 1 if usual else 0.0
    how = f"{last.raw}, and {Size(usual)} were usual; if that is right, it becomes usual by itself"
    if -change > limits.max_shrink:
        reason = because("the newest dump is smaller than usual by", Share(-change), ">", limits.max_shrink, "limits.max_shrink")
        yield Finding(Level.WARNING, last.target, reason, how)
    if change > limits.max_growth:
        reason = because("the newest dump is larger than usual by", Share(change), ">", limits.max_growth, "limits.max_growth")
        yield Finding(Level.WARNING, last.target, reason, how)


def _duration(facts: RepositoryFacts, entries: tuple[Entry, ...]) -> Iterator[Finding]:
    limit, last = facts.settings.limits.max_slowdown, entries[-1]
    usual = _usual(entries, lambda entry: entry.took)
    if usual and last.took > _NOTICED and last.took / usual > limit:
        reason = because(
            "the newest backup took longer than usual by a factor of", last.took / usual, ">", limit, "limits.max_slowdown"
        )
        yield Finding(Level.WARNING, last.target, reason, f"{last.took}, and {Duration(usual)} was usual")


def _content(facts: RepositoryFacts, target: str) -> Iterator[Finding]:
    limit = facts.settings.limits.max_fewer
    for one in facts.review.fewer:
        share = Share(1 - one.now / one.usual)
        if one.target == target and share > limit:
            reason = because(f"{one.part} holds less than usual by", share, ">", limit, "limits.max_fewer")
            advice = f"{one.now:,}, and {one.usual:,.0f} were usual; the older backups still hold them"
            yield Finding(Level.WARNING, target, reason, advice)


def _objectives(facts: RepositoryFacts, target: str) -> Iterator[Finding]:
    limits, proven = facts.settings.limits, newest(entry for entry in facts.of(target) if entry.rebuilt is not None)
    if proven and proven.rebuilt is not None and limits.max_rto is not None and proven.rebuilt > limits.max_rto:
        reason = because("time to rebuild it, measured (RTO)", proven.rebuilt, ">", limits.max_rto, "limits.max_rto")
        yield Finding(Level.WARNING, target, reason, "a faster disk, or another way to restore it")
    share = facts.review.covered.get(target)
    if share is not None and share < limits.min_success:
        reason = because(
            "share of the last 30 days with a young proven backup", share, "<", limits.min_success, "limits.min_success"
        )
        yield Finding(Level.WARNING, target, reason, "mainstay runs: which backup failed, or was never begun?")


def _approvals(facts: RepositoryFacts, target: str) -> Iterator[Finding]:
    """Find months that are over and whose backup too few persons have approved."""
    needed, current = facts.settings.approvals, f"{facts.at:%Y-%m}"
    months = of_months(facts.of(target))
    for month in sorted(month for month in months if month < current)[-_MONTHS:]:
        entry = months[month]
        if len(entry.approvals) < needed:
            reason = because(f"approvals of the backup of {month}", len(entry.approvals), "<", needed, "approvals")
            yield Finding(Level.WARNING, target, reason, f"mainstay backup approve {entry.id} --as ROLE")
