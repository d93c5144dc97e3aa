"""Bring the write-ahead log back into the database and give its room back."""

from __future__ import annotations

from mainstay.kinds.kind import Deferred, NoParams, Session, TaskKind, action
from mainstay.kinds.sqlite.database import Database, attended, writing
from mainstay.kinds.sqlite.facts import DatabaseFacts, look
from mainstay.model.because import because
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

_PAUSE = 0.02  # seconds until it is tried again


class Checkpoint(TaskKind[DatabaseFacts, NoParams]):
    """`PRAGMA wal_checkpoint(TRUNCATE)` when the log has outgrown its limit."""

    name = "checkpoint"
    summary = "truncate a write-ahead log that has grown too large"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    rehearsable = True
    facts = DatabaseFacts

    def observe(self, session: Session, on: On | None = None) -> DatabaseFacts:
        """Look at the size of the log."""
        return look(session)

    def plan(self, facts: DatabaseFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """Only a log above its limit is worth an interruption."""
        on, limit = ("wal",), facts.settings.max_wal
        if facts.journal_mode != "wal":
            return [Skip(on, because("journal_mode", facts.journal_mode, "!=", "wal"))]
        if facts.wal <= limit:
            return [Skip(on, because("wal", facts.wal, "<=", limit, "max_wal"))]
        reason, cost = because("wal", facts.wal, ">", limit, "max_wal"), Cost(bytes=facts.wal)
        return [Step("checkpoint", "checkpoint", on, reason, Impact.LOAD, Neutral(), deadline=Duration(60), cost=cost)]

    def verify(self, before: DatabaseFacts, after: DatabaseFacts, step: Step) -> str | None:
        """The log is smaller; the application may have begun to fill it again."""
        return None if after.wal < before.wal else f"the log has {after.wal}, and had {before.wal}"

    @action("checkpoint")
    def checkpoint(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Truncate the log, or leave it to another time when a reader is in the way for longer than busy_timeout."""
        limit, began = session.target.settings.busy_timeout, clock.monotonic()
        with writing(session.connection) as connection:
            while self._is_busy(connection, session, deadline):
                waited = Duration(clock.monotonic() - began)
                if waited >= limit:
                    return Deferred(because("a reader or writer was in the way for", waited, ">=", limit, "busy_timeout"))
                clock.sleep(_PAUSE)
        return None

    def _is_busy(self, connection: Database, session: Session, deadline: Deadline) -> bool:
        """Try; for readers and writers SQLite waits itself, for a checkpoint of the application it does not."""
        sql = "PRAGMA wal_checkpoint(TRUNCATE)"
        row = attended(connection, lambda: connection.execute(sql).fetchone(), lambda: session.pulse(deadline))
        return bool(row[0])
