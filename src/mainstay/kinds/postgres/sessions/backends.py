"""Sessions at the server: who they are, what they hold up, and which are never to be disturbed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.because import Because, because
from mainstay.model.plan import On
from mainstay.model.units import Duration
from mainstay.system import clock

# What copies a database, or changes it in ways that have to be finished, by the name that it gives itself.
BACKUPS = ("pg_dump*", "pg_basebackup", "pg_receivewal", "pg_restore", "pg_repack", "pgbackrest*", "barman*", "wal-g*", "repmgr*")
OURS = "mainstay*"


@dataclass(frozen=True)
class Backend:
    """A session that has a statement or a transaction under way. `since` and `started` are microseconds: they name it."""

    sql: ClassVar[str] = "backends"
    extension: ClassVar[str] = ""

    pid: int
    started: str
    since: str  # of the statement, or of being idle in a transaction
    type: str
    state: str
    role: str
    database: str
    application: str
    age: Duration | None
    superuser: bool
    may_signal: bool
    waits_for: tuple[int, ...]
    copies_out: bool
    query: str

    @property
    def on(self) -> On:
        """Its structured id: a process id that is used again starts at another time."""
        return ("backend", str(self.pid), self.started)

    @property
    def idle(self) -> bool:
        """True for a transaction that waits for its client."""
        return self.state.startswith("idle in transaction")


@dataclass(frozen=True)
class BackendFacts:
    """The sessions of the server; with `on`, one of them, and none when it is gone or idle."""

    at: datetime
    settings: PostgresSettings
    backends: tuple[Backend, ...]

    def held_up(self, backend: Backend) -> tuple[int, ...]:
        """Return whom a session keeps waiting, directly or through others that wait for it."""
        found: list[int] = []
        reach = [backend.pid]
        while reach:
            behind = [
                one.pid for one in self.backends if set(reach) & set(one.waits_for) and one.pid not in (backend.pid, *found)
            ]
            found, reach = [*found, *behind], behind
        return tuple(sorted(found))


def look_backends(session: Session, on: On | None = None) -> BackendFacts:
    """Look at all sessions, or at one."""
    found = session.connection.read(Backend)
    return BackendFacts(clock.now(), session.target.settings, tuple(one for one in found if on is None or one.on == on))


def untouchable(backend: Backend) -> Because | None:
    """Say why a session is never disturbed, whatever else is asked for."""
    if backend.type and backend.type != "client backend":
        return because("backend_type", backend.type)
    if not backend.type or not backend.state:
        return because("what it does cannot be seen: GRANT pg_monitor", backend.role)
    if any(fnmatchcase(backend.application, pattern) for pattern in (*BACKUPS, OURS)):
        return because("application", backend.application)
    if backend.copies_out:
        return because("it copies data out, as a dump does", backend.query)
    if backend.superuser:
        return because("superuser", backend.role)
    return None if backend.may_signal else because("this role may not signal it: GRANT pg_signal_backend", backend.role)
