"""Log in as an application: what its role may set for itself, what it can write, and its sessions.

A role may change its own defaults and end its own sessions, so Mainstay's role needs no privilege for any of it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from psycopg import errors
from psycopg.conninfo import make_conninfo

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.readonly.roles import Role
from mainstay.kinds.postgres.server import Connection, Server, composed
from mainstay.kinds.postgres.settings import Application, PostgresSettings
from mainstay.kinds.postgres.statement import Place, Statement, statement
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

_SET = statement("ALTER ROLE {role} IN DATABASE {database} SET default_transaction_read_only = {value}")
_RESET = statement("ALTER ROLE {role} IN DATABASE {database} RESET default_transaction_read_only")
_WRITABLE = statement("SET default_transaction_read_only = off")
_WRITE = statement("CREATE TEMPORARY TABLE mainstay_may_i_write ()")
_VALUE = statement("""
SELECT split_part(c, '=', 2) FROM pg_db_role_setting s, unnest(s.setconfig) AS c
WHERE s.setrole = (SELECT oid FROM pg_roles WHERE rolname = current_user)
  AND s.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND starts_with(c, 'default_transaction_read_only=')
""")
_NOW = statement("SELECT clock_timestamp()::text")
_OLD = """
FROM pg_stat_activity WHERE usename = current_user AND datname = current_database() AND backend_type = 'client backend'
AND pid <> pg_backend_pid() AND NOT starts_with(application_name, 'mainstay') AND backend_start < %(before)s::timestamptz"""
_LEFT = statement("SELECT pid" + _OLD)
_END_IDLE = statement("SELECT pg_terminate_backend(pid)" + _OLD + " AND xact_start IS NULL AND state = 'idle'")
_END = statement("SELECT pg_terminate_backend(pid)" + _OLD)
_GONE = Duration(20)  # a backend notices that it is to end at its next chance


@dataclass
class Login:
    """A session as an application."""

    server: Server
    connection: Connection
    role: str

    def run(self, known: Statement, values: dict[str, Any] | None = None, **places: Place) -> list[tuple[Any, ...]]:
        """Run a statement and return what it yields."""
        sys.audit("mainstay.postgres", known.text)
        return self._ask(known, values, **places)

    def look(self) -> Role:
        """Read the default, and try to write; what the attempt made is taken back."""
        found = self._ask(_VALUE)
        return Role(self.role, str(found[0][0]) if found else None, self._refused())

    def set(self, value: str | None) -> None:
        """Give the role a default for this database, or none, for every session that begins from now on."""
        database = (str(self.connection.info.dbname),)
        self.run(_WRITABLE)
        if value is None:
            self.run(_RESET, role=(self.role,), database=database)
        else:
            self.run(_SET, role=(self.role,), database=database, value=value)

    def end_old(self, session: Session, deadline: Deadline, drain: Duration) -> str:
        """End every session that began before now: at once where no transaction is open, the others after `drain`."""
        before, until = {"before": self._ask(_NOW)[0][0]}, Deadline(Duration(min(drain, deadline.left)))
        ended = len(self.run(_END_IDLE, before))
        while self._ask(_LEFT, before) and until.left:
            session.pulse(deadline)
            ended += len(self.run(_END_IDLE, before))
            clock.sleep(0.05)
        late = len(self.run(_END, before))
        self._wait_gone(session, deadline, before)
        return f"{self.role}: {ended} sessions ended" + (f", {late} of them still in a transaction after {drain}" if late else "")

    def _wait_gone(self, session: Session, deadline: Deadline, before: dict[str, Any]) -> None:
        until = Deadline(_GONE)
        while left := self._ask(_LEFT, before):
            session.pulse(deadline)
            if not until.left:
                raise StepFailed(
                    "sessions of the application do not end", on=self.role, because=f"pid {left[0][0]} is still there"
                )
            clock.sleep(0.05)

    def _refused(self) -> bool:
        """Try to write: the refusal of a read-only transaction comes before every privilege."""
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(_WRITE.text.encode())
        except errors.ReadOnlySqlTransaction:
            return True
        except errors.InsufficientPrivilege:
            return False
        return False

    def _ask(self, known: Statement, values: dict[str, Any] | None = None, **places: Place) -> list[tuple[Any, ...]]:
        with faults.explained(f"{self.server.name} as {self.role}"), self.connection.cursor() as cursor:
            cursor.execute(composed(known.text, places), values)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def login(session: Session, application: Application) -> Iterator[Login]:
    """Open a session as an application, at the database of the target."""
    settings: PostgresSettings = session.target.settings
    dsn = make_conninfo(settings.dsn, user=application.role)
    target = replace(session.target, settings=replace(settings, dsn=dsn, password=application.password))
    server = Server(target, session.door.place, session.door.tag)
    with server.connect() as connection:
        yield Login(server, connection, application.role)
