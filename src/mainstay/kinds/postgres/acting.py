"""The session of a step that acts: named after it, alone at its target, and stopped in time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.rows import Progress
from mainstay.kinds.postgres.server import Connection, Server, composed, milliseconds
from mainstay.kinds.postgres.statement import Place, Statement
from mainstay.model.errors import MainstayError, Refused
from mainstay.system import clock
from mainstay.system.clock import Deadline

_POLL = 0.05  # seconds between two pulses
_TOLD = 1.0  # seconds between two looks at the progress
_GRACE = 5.0  # seconds that a cancelled statement may take to end
_ALONE = "SELECT pg_try_advisory_lock(hashtextextended('mainstay', 0))"  # one lock in each database: the number is public


class Act:
    """One step's own connection to one database. Statements are known beforehand; values never become part of their text."""

    def __init__(self, session: Session, server: Server, connection: Connection, deadline: Deadline) -> None:
        self.session, self.server, self.connection, self.deadline = session, server, connection, deadline

    @property
    def pid(self) -> int:
        """The process at the server that does the work."""
        return self.connection.info.backend_pid

    def execute(self, statement: Statement, /, *, values: dict[str, Any] | None = None, **places: Place) -> list[tuple[Any, ...]]:
        """Run a short statement and return what it yields; `LockNotAvailable` when it would have had to queue for longer."""
        self.session.pulse(self.deadline)
        with self._explained():
            return self._execute(statement, places, values)

    def work(self, statement: Statement, /, *, values: dict[str, Any] | None = None, **places: Place) -> list[tuple[Any, ...]]:
        """Run a long statement in a second thread while the wish to stop is asked and progress is told.

        When it has to stop, the statement is cancelled; if it does not end, its backend is.
        """
        self.session.pulse(self.deadline)
        told = clock.monotonic()
        with self._explained(), ThreadPoolExecutor(1) as pool:
            future = pool.submit(self._execute, statement, places, values)
            try:
                while not wait([future], _POLL).done:
                    self.session.pulse(self.deadline)
                    if clock.monotonic() - told >= _TOLD:
                        told = clock.monotonic()
                        self._tell()
            except MainstayError:
                self._stop(future)
                raise
            return future.result()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done inside at its end, or nothing of it."""
        with self._explained(), self.connection.transaction():
            yield

    def _execute(self, statement: Statement, places: dict[str, Place], values: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        sys.audit("mainstay.postgres", statement.text)
        with self.connection.cursor() as cursor:
            cursor.execute(composed(statement.text, places), values)
            return cursor.fetchall() if cursor.description else []

    def _tell(self) -> None:
        for one in self.server.read(Progress):
            if one.pid == self.pid:
                self.session.progress(one.done, one.total, f"{one.unit} {one.phase}")

    def _stop(self, future: Any) -> None:
        self.connection.cancel_safe(timeout=_GRACE)
        if not wait([future], _GRACE).done:
            self.server.end_others(self.session.connection.pids)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        with faults.explained(f"{self.session.target.name}, database {self.connection.info.dbname}"):
            yield


@contextmanager
def acting(session: Session, deadline: Deadline, database: str = "", *, patient: bool = False) -> Iterator[Act]:
    """Open the session of a step that acts on one database. Sessions that an earlier attempt left at the server end first.

    Raises Refused while another Mainstay, on whatever host, acts on the same database. `patient` waits for locks without a limit:
    for commands that block nobody while they wait (REINDEX CONCURRENTLY, VACUUM).
    """
    server = Server(session.target, session.door.place, session.door.tag)
    server.end_others(session.connection.pids)
    limits = {"statement_timeout": milliseconds(deadline.left), **({"lock_timeout": "0"} if patient else {})}
    if server.identity().version >= 140_000:
        limits["client_connection_check_interval"] = "2s"  # the server notices when we are killed
    try:
        with server.connect(database, **limits) as connection:
            act = Act(session, server, connection, deadline)
            with act._explained():
                if not connection.execute(_ALONE).fetchall()[0][0]:
                    raise Refused("another Mainstay acts on this database", on=session.target.name, next="see pg_stat_activity")
            yield act
    finally:
        server.close()
