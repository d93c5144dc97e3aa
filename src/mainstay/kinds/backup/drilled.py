"""What the last drill showed against its objectives. Pure."""

from __future__ import annotations

from mainstay.kinds.backup.facts import RepositoryFacts
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Duration


def deviations(facts: RepositoryFacts) -> list[Finding]:
    """Find a drill that is overdue, was too slow, left a target out, or found something wrong; a young good one is told."""
    done, limits = facts.drill, facts.settings.limits
    if done is None:
        overdue = Finding(Level.WARNING, "drill", because("drills", 0), "mainstay backup drill")
        return [overdue] if limits.max_drill_age is not None else []
    age = Duration((facts.at - done.at).total_seconds())
    found = [
        Finding(Level.CRITICAL, one.target, because("the last drill failed", str(one)), "make a new backup")
        for one in done.differing
    ]
    found += [
        Finding(Level.WARNING, one.target, because("the last drill found in what it restored", fault), "correct the original")
        for one in done.rebuilt
        for fault in one.faults
    ]
    if limits.max_drill_age is not None and age > limits.max_drill_age:
        reason = because("age of the last drill", age, ">", limits.max_drill_age, "limits.max_drill_age")
        found.append(Finding(Level.WARNING, "drill", reason, "mainstay backup drill"))
    if limits.max_rto is not None and done.took > limits.max_rto:
        reason = because("time of the last drill for everything", done.took, ">", limits.max_rto, "limits.max_rto")
        found.append(Finding(Level.WARNING, "drill", reason, "a faster disk, or another way to restore it"))
    if left_out := sorted(set(facts.settings.of) - {one.target for one in done.rebuilt}):
        found.append(Finding(Level.WARNING, "drill", because("never drilled", ", ".join(left_out)), "mainstay backup drill"))
    return found or [Finding(Level.OK, "drill", because("everything was rebuilt in", done.took))]
