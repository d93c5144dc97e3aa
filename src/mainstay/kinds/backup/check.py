"""Is every target's newest proven backup young enough, and is the repository in order."""

from __future__ import annotations

from dataclasses import replace

from mainstay.kinds.backup.copy_findings import copy_findings
from mainstay.kinds.backup.facts import RepositoryFacts, look_with_remotes, newest, obstacle
from mainstay.kinds.backup.remotes import look_at_keys
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration


class Check(TaskKind[RepositoryFacts, NoParams]):
    """Reads manifests and proofs, and no object."""

    name = "check"
    summary = "age of the newest proven backup of each target, here and at each remote; damage, clutter, modes, keys"
    task_class = TaskClass.CHECK
    facts = RepositoryFacts

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue, and list what is at the remotes."""
        return replace(look_with_remotes(session, on), keys=look_at_keys(session))

    def assess(self, facts: RepositoryFacts, params: NoParams) -> list[Finding]:
        """One finding for each target, and one for everything that is out of order."""
        if (reason := obstacle(facts)) is not None:
            return [Finding(Level.CRITICAL, "repository", reason, "mount its disk, or correct repository.path")]
        return [*(_age(facts, target) for target in facts.settings.of), *disorder(facts), *copy_findings(facts)]


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
