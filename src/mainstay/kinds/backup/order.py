"""Whether a repository is in order: nothing damaged, missing, half made, nobody's, or open to others. Pure."""

from __future__ import annotations

from mainstay.kinds.backup.facts import RepositoryFacts
from mainstay.model.because import Finding, Level, because


def disorder(facts: RepositoryFacts) -> list[Finding]:
    """Find what is damaged, half made, nobody's, or open to others."""
    seen = facts.catalogue
    damage = "keep the others; this one cannot be restored"
    found = [Finding(Level.CRITICAL, id, because("damaged", why), damage) for id, why in seen.damaged]
    lost = [(entry.id, entry.missing) for entry in seen.entries if entry.missing]
    found += [Finding(Level.CRITICAL, id, because("stored files are missing", names[0]), damage) for id, names in lost]
    nobodys = because("it is no backup, and belongs to none", None)
    found += [Finding(Level.WARNING, name, nobodys, "move it elsewhere") for name in seen.clutter]
    if seen.unneeded:
        spare = because("stored files that no backup needs", f"{seen.unneeded}, {seen.unneeded_bytes}")
        found.append(Finding(Level.WARNING, "objects", spare, "run the task prune"))
    abandoned = because("half made, and nobody is at work on it", None)
    found += [Finding(Level.WARNING, name, abandoned, "run the task prune") for name in seen.leftovers]
    if facts.mode & 0o077:
        reason = because("mode of the folder", f"{facts.mode:04o}", "!=", "0700")
        found.append(Finding(Level.WARNING, "repository", reason, f"chmod 700 {facts.settings.repository.path}"))
    return found
