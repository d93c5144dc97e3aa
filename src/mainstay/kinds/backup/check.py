"""Is every target's newest proven backup young enough, and is the repository in order."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.backup.facts import RepositoryFacts, look, newest, obstacle
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.vault.catalogue import Entry


class Check(TaskKind[RepositoryFacts, NoParams]):
    """Reads manifests and proofs, and no object."""

    name = "check"
    summary = "age of the newest proven backup of each target, damage, clutter and modes"
    task_class = TaskClass.CHECK
    facts = RepositoryFacts

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue."""
        return look(session, on, session.last)

    def assess(self, facts: RepositoryFacts, params: NoParams) -> list[Finding]:
        """One finding for each target, and one for everything that is out of order."""
        if (reason := obstacle(facts)) is not None:
            return [Finding(Level.CRITICAL, "repository", reason, "mount its disk, or correct repository.path")]
        slow = (_slow(facts, target) for target in facts.settings.of)
        return [*(_age(facts, target) for target in facts.settings.of), *filter(None, slow), *disorder(facts)]

    def figures(self, facts: RepositoryFacts) -> Iterable[Figure]:
        """Return how long a restore of each target takes, as its last proof has measured it."""
        for target in facts.settings.of:
            last = _rebuilt(facts, target)
            if last and last.rebuilt is not None:
                yield Figure(f"restore time {target}", last.rebuilt, "s", at_most=facts.settings.restore_within)


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


def _slow(facts: RepositoryFacts, target: str) -> Finding | None:
    last, limit = _rebuilt(facts, target), facts.settings.restore_within
    if last is None or last.rebuilt is None or limit is None or last.rebuilt <= limit:
        return None
    reason = because("time of the last restore for practice", last.rebuilt, ">", limit, "restore_within")
    return Finding(Level.WARNING, target, reason, "restore on more processors, or less at once")


def _rebuilt(facts: RepositoryFacts, target: str) -> Entry | None:
    return newest(entry for entry in facts.of(target) if entry.rebuilt is not None)


def disorder(facts: RepositoryFacts) -> list[Finding]:
    """Find what is damaged, half made, nobody's, or open to others."""
    seen = facts.catalogue
    damage = "keep the others; this one cannot be restored"
    found = [Finding(Level.CRITICAL, id, because("damaged", why), damage) for id, why in seen.damaged]
    found += [Finding(Level.WARNING, name, because("it is no backup", None), "move it elsewhere") for name in seen.clutter]
    abandoned = because("half made, and nobody is at work on it", None)
    found += [Finding(Level.WARNING, name, abandoned, "run the task prune") for name in seen.leftovers]
    if facts.mode & 0o077:
        reason = because("mode of the folder", f"{facts.mode:04o}", "!=", "0700")
        found.append(Finding(Level.WARNING, "repository", reason, f"chmod 700 {facts.settings.repository.path}"))
    return found
