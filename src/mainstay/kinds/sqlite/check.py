"""Is the database sound in shape: size, unused pages, write-ahead log, journal mode."""

from __future__ import annotations

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.sqlite.facts import DatabaseFacts, look
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass


class Check(TaskKind[DatabaseFacts, NoParams]):
    """A quick look that reads a few pages."""

    name = "check"
    summary = "size, unused pages, write-ahead log and journal mode"
    task_class = TaskClass.CHECK
    facts = DatabaseFacts

    def observe(self, session: Session, on: On | None = None) -> DatabaseFacts:
        """Look at the database's header and schema."""
        return look(session)

    def assess(self, facts: DatabaseFacts, params: NoParams) -> list[Finding]:
        """Compare with the settings."""
        on, limits = "database", facts.settings
        found = [Finding(Level.OK, on, because("size", facts.size))]
        if facts.damage:
            advice = "stop the application and restore a proven backup"
            return [Finding(Level.CRITICAL, on, because("damage", facts.damage), advice)]
        if facts.free_share > limits.max_free_share:
            reason = because("free_share", facts.free_share, ">", limits.max_free_share, "max_free_share")
            found.append(Finding(Level.WARNING, on, reason, "run the task vacuum"))
        if facts.wal > limits.max_wal:
            reason = because("wal", facts.wal, ">", limits.max_wal, "max_wal")
            found.append(Finding(Level.WARNING, on, reason, "run the task checkpoint; look for a reader that never ends"))
        if limits.journal_mode == "wal" and facts.journal_mode != "wal":
            reason = because("journal_mode", facts.journal_mode, "!=", limits.journal_mode, "journal_mode")
            advice = "readers block the writer here: set PRAGMA journal_mode = WAL in the application, or journal_mode: any"
            found.append(Finding(Level.WARNING, on, reason, advice))
        return found
