"""Is the folder there, whose is it, can it be written, and how full has it become."""

from __future__ import annotations

import stat

from mainstay.kinds.files.measure import Facts, measure
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass


class Check(TaskKind[Facts, NoParams]):
    """Walk through the folder once."""

    name = "check"
    summary = "existence, owner, permissions, size and number of files of the folder"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Count all files; a folder that is not there is a fact."""
        return measure(session.target.settings)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge presence, owner and permissions, then size."""
        on = str(facts.path)
        if facts.missing:
            return [Finding(Level.CRITICAL, on, because(facts.missing, None), "create it, or correct `path`")]
        return [*_permissions(on, facts), *_size(on, facts)] or [_seen(on, facts)]


def _permissions(on: str, facts: Facts) -> list[Finding]:
    found = []
    wanted = facts.limits.owner
    if facts.read_only:
        found.append(Finding(Level.CRITICAL, on, because("file system", "read-only", "!=", "writable"), "look at its mount"))
    if wanted and facts.owner != wanted:
        found.append(Finding(Level.WARNING, on, because("owner", facts.owner, "!=", wanted, "owner"), f"chown {wanted} {on}"))
    if not facts.mode & stat.S_IWUSR:
        found.append(Finding(Level.WARNING, on, because("mode", f"{facts.mode:04o}"), "its owner cannot write there"))
    if facts.mode & stat.S_IWOTH and not facts.mode & stat.S_ISVTX:
        found.append(Finding(Level.WARNING, on, because("mode", f"{facts.mode:04o}"), "everybody can delete files there"))
    if facts.problems:
        first = "; ".join(facts.unreadable[:3])
        found.append(Finding(Level.WARNING, on, because("cannot_be_looked_at", facts.problems, ">", 0), first))
    return found


def _size(on: str, facts: Facts) -> list[Finding]:
    found, limits = [], facts.limits
    if limits.size_warning is not None and facts.size > limits.size_warning:
        found.append(Finding(Level.WARNING, on, because("size", facts.size, ">", limits.size_warning, "size_warning")))
    if limits.files_warning is not None and facts.files > limits.files_warning:
        found.append(Finding(Level.WARNING, on, because("files", facts.files, ">", limits.files_warning, "files_warning")))
    return found


def _seen(on: str, facts: Facts) -> Finding:
    seen = f"{facts.files:,} files, {facts.size}, of {facts.owner}:{facts.group}, mode {facts.mode:04o}"
    return Finding(Level.OK, on, because("folder", seen))
