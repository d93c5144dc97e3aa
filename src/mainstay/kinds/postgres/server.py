"""The one way to a PostgreSQL server: bounded sessions that look, and one session for each step that acts.

Every session says who it is (application_name), gives up a statement after its timeout, and does not queue for a lock for longer
than `lock_timeout`. What looks cannot write. What acts carries the name of run and step, and begins by ending sessions that a
killed attempt of the same step left at the server, so that what is observed next is final.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.rows import Database, Identity, R, maker
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.statement import LockNotAvailable, Name, Place, Statement, Written, looking
from mainstay.model.errors import ConfigError, Unknown, Unreachable
from mainstay.model.setting import HOST
from mainstay.model.setting import Place as Where
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system import clock, secrets
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.kind import Session
    from mainstay.kinds.postgres.acting import Act

Connection = psycopg.Connection[tuple[Any, ...]]

_EXTENSIONS = ("pgstattuple", "pg_stat_statements", "amcheck")  # their functions are found wherever they are installed
_SAFE_PATH = """
SELECT set_config('search_path', concat_ws(', ', 'pg_catalog', string_agg(DISTINCT quote_ident(n.nspname), ', ')), false)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = ANY (%s)
"""
_SET = "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS s(name, value)"
_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE starts_with(application_name, %s) AND usename = current_user AND pid <> ALL (%s)"
)
_AGAIN = 3  # looks, before a lock that is in the way is an error
_GONE = Duration(20)  # a backend notices the request at its next chance; an index build in a long sort takes a moment


class Server:
    """A target's server in the hands of one session of a task. Connections open when they are first used."""

    def __init__(self, target: Target, place: Where = HOST, tag: str = "") -> None:
        self.settings: PostgresSettings = target.settings
        self.name, self.place, self.tag = target.name, place, tag
        self._looking: dict[str, Connection] = {}
        self._open = ExitStack()
        self.alone = True  # nobody is left at the server from a killed attempt of the same step

    def close(self) -> None:
        """Close every connection."""
        self._open.close()

    def identity(self) -> Identity:
        """Return what the server and this role are."""
        return self.read(Identity)[0]

    def databases(self) -> tuple[str, ...]:
        """Return the databases that the settings ask for; the one of the connection comes first."""
        own, wanted = str(self._on("").info.dbname), self.settings.databases
        known = {one.name: one for one in self.read(Database)} if wanted else {}
        names = [name for name, one in known.items() if one.allowed] if "*" in wanted else list(wanted)
        missing = [name for name in names if name not in known]
        if missing:
            raise ConfigError(
                f"{self.name}: databases: there is no database {missing[0]!r}", next=f"the server has {', '.join(known)}"
            )
        return (own, *(name for name in names if name != own))

    def read(self, row: type[R], database: str = "", only: Sequence[int] = ()) -> tuple[R, ...]:
        """Run the query of a row class in one database ("" = that of the connection).

        `only` are the oids of the objects that a costly query reads closely: it finds them in the setting `mainstay.only`.
        Queries open nothing that is locked; one that a lock has forestalled is run again.
        """
        for _ in range(_AGAIN):
            with suppress(LockNotAvailable):
                return self._read(row, database, only)
        return self._read(row, database, only)

    def _read(self, row: type[R], database: str, only: Sequence[int]) -> tuple[R, ...]:
        connection = self._on(database)
        with faults.explained(self._named(database)), connection.cursor() as cursor:
            cursor.execute(_SET, (["mainstay.only"], ["{" + ",".join(map(str, only)) + "}"]))
            cursor.execute(looking(row.sql, connection.info.server_version // 10_000).encode())
            return tuple(map(maker(row, [column.name for column in cursor.description or ()]), cursor.fetchall()))

    def everywhere(self, row: type[R]) -> tuple[R, ...]:
        """Run the query of a row class in every database that is cared for."""
        return tuple(found for database in self.databases() for found in self.read(row, database))

    def run(self, query: str, *values: Any, database: str = "") -> list[tuple[Any, ...]]:
        """Run a query that an operator wrote, in a session that cannot write."""
        with faults.explained(self._named(database)), self._on(database).cursor() as cursor:
            cursor.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def ask(self, query: Statement, /, *, database: str = "", **places: Place) -> list[tuple[Any, ...]]:
        """Run a query whose text names objects, in a session that cannot write."""
        with faults.explained(self._named(database)), self._on(database).cursor() as cursor:
            return cursor.execute(composed(query.text, places)).fetchall()

    def connect(self, database: str = "", **parameters: str) -> Connection:
        """Open a connection of its own, in autocommit mode; the caller closes it. `parameters` are server settings."""
        known = {
            "application_name": self.application_name,
            "statement_timeout": milliseconds(self.settings.statement_timeout),
            "lock_timeout": milliseconds(self.settings.lock_timeout),
            "idle_in_transaction_session_timeout": "600000",
            **parameters,
        }
        with faults.connecting(self._named(database)):
            connection: Connection = psycopg.connect(self.conninfo(database), autocommit=True, client_encoding="utf8")
        with ExitStack() as closing, faults.explained(self._named(database)):
            closing.callback(connection.close)
            connection.execute(_SET, (list(known), list(known.values())))
            closing.pop_all()
        return connection

    def conninfo(self, database: str = "") -> str:
        """Return the connection string with the password; hand it to the driver, and nowhere else."""
        password = secrets.resolve(self.settings.password).reveal() if self.settings.password else None
        with faults.connecting(self.name):
            more: dict[str, Any] = {"connect_timeout": max(2, round(self.settings.connect_timeout)), "password": password}
            return make_conninfo(self.settings.dsn, **more, **({"dbname": database} if database else {}))

    def acting(
        self, session: Session, deadline: Deadline, database: str = "", *, patient: bool = False
    ) -> AbstractContextManager[Act]:
        """Open the session of a step that acts on one database: see `acting.acting`."""
        from mainstay.kinds.postgres.acting import acting

        return acting(session, deadline, database, patient=patient)

    @property
    def application_name(self) -> str:
        """How sessions of this step are known at the server: at most 63 bytes."""
        return application_name(self.tag)

    @property
    def pids(self) -> list[int]:
        """The processes at the server that look on behalf of this session."""
        return [one.info.backend_pid for one in self._looking.values() if not one.closed]

    def end_others(self, keep: Sequence[int] = ()) -> int:
        """End sessions of the same step but those of `keep`, and return how many there were; Unknown when one does not go."""
        if not self.tag:
            return 0
        until, prefix, ended = Deadline(_GONE), self.application_name, 0
        with self.connect() as connection, faults.explained(self.name):
            kept = [*keep, connection.info.backend_pid, *self.pids]
            while found := connection.execute(_OTHERS, (prefix, kept)).fetchall():
                ended = max(ended, len(found))
                if not until.left:
                    raise Unknown(
                        "sessions of a step are still at work", on=self.name, because=f"{prefix} did not end", next="resume later"
                    )
                clock.sleep(0.05)
        return ended

    def _on(self, database: str) -> Connection:
        """Return the looking connection of a database; a lost one is opened again."""
        known = self._looking.get(database)
        if known and not known.closed:
            return known
        if not self.alone:
            self.end_others()
            self.alone = True
        connection = self._open.enter_context(self.connect(database, default_transaction_read_only="on", jit="off"))
        with faults.explained(self._named(database)):
            connection.execute(_SAFE_PATH, (list(_EXTENSIONS),))
        self._looking[database] = connection
        return connection

    def _named(self, database: str) -> str:
        return f"{self.name}, database {database}" if database else self.name


@contextmanager
def connect(target: Target, door: Any) -> Iterator[Server]:
    """Open a target's server. What a killed process left there under the same name ends first: what is seen then is final.

    A server that is down is told at the first look: what needs none, such as its recovery, can be done all the same.
    """
    server = Server(target, door.place, door.tag)
    try:
        server.alone = False
        with suppress(Unreachable):
            server.end_others()
            server.alone = True
        yield server
    finally:
        server.close()


def application_name(tag: str) -> str:
    """Name the sessions of a step: its digest, which is unique, then as much of the name as fits."""
    if not tag:
        return "mainstay"
    return f"mainstay {hashlib.sha256(tag.encode()).hexdigest()[:12]} {tag}"[:63]


def milliseconds(duration: Duration) -> str:
    """Return a duration as PostgreSQL's settings take it."""
    return str(max(1, round(duration * 1000)))


def parameters(settings: PostgresSettings) -> dict[str, Any]:
    """Return the parts of the connection string, as libpq reads them; never a password."""
    return conninfo_to_dict(settings.dsn)


def composed(text: str, places: dict[str, Place | list[Name]]) -> sql.Composed:
    """Fill the places of a statement: names as identifiers, plain values as literals."""
    return sql.SQL(text).format(**{key: _part(value) for key, value in places.items()})


def _part(value: Place) -> sql.Composable:
    if isinstance(value, tuple):
        return sql.Identifier(*value)
    if isinstance(value, list):
        return sql.SQL(", ").join(sql.Identifier(*one) for one in value)
    if isinstance(value, Written):
        return sql.SQL(value.text)
    return sql.Literal(value)
