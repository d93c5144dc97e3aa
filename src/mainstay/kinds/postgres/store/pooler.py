"""A PgBouncer in front of a database: it holds clients back while names are exchanged, and then lets them go on.

What PAUSE began is owed a RESUME, whatever happens: a client that waits sees no error for as long as its patience lasts
(`query_wait_timeout`, two minutes by default), and waits for ever after that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.server import Connection, Server, composed
from mainstay.kinds.postgres.settings import Pooler
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system import clock, secrets
from mainstay.system.clock import Deadline

_PATIENCE = Duration(5)  # for transactions that are open; whose clients stay silent for longer are ended by the server
_POLL = 0.002
_PAUSE, _RESUME, _RECONNECT = "PAUSE {name}", "RESUME {name}", "RECONNECT {name}"


@contextmanager
def waiting(server: Server, database: str) -> Iterator[None]:
    """Let clients of the database wait inside the block, and go on after it. Without a pooler nobody is held back."""
    if server.settings.pooler is None:
        yield
        return
    with ExitStack() as owed:
        owed.callback(resume, server, database)
        _pause(server, server.settings.pooler, database)
        yield


def resume(server: Server, database: str) -> None:
    """Let whoever waits go on, with new connections to the server; nothing where nobody is held back.

    A database that PgBouncer found by itself is not listed once its last client is gone, and yet stays paused for the next one.
    """
    pooler = server.settings.pooler
    if pooler is None:
        return
    listed = _known(server, pooler, database)
    with _console(server, pooler) as console:
        for name in pooler.databases or (database,):
            if listed.get(name):
                _tell(console, _RECONNECT, name)
                _tell(console, _RESUME, name)
            elif name not in listed:
                with suppress(psycopg.errors.ProtocolViolation):  # it is not paused, or there is none of that name
                    _tell(console, _RESUME, name)


def _tell(console: Connection, command: str, name: str) -> None:
    sys.audit("mainstay.postgres", command)
    console.execute(composed(command, {"name": (name,)}))


def _pause(server: Server, pooler: Pooler, database: str) -> None:
    """Return when no transaction is open any more, or none of its clients has ended it in time."""
    until, on = Deadline(_PATIENCE), f"the pooler of {server.name}"
    with ExitStack() as open:
        consoles = []
        for name in _known(server, pooler, database):
            console = open.enter_context(_console(server, pooler))
            sys.audit("mainstay.postgres", _PAUSE)
            console.pgconn.send_query(composed(_PAUSE, {"name": (name,)}).as_bytes(console))
            consoles.append(console)
        for console in consoles:
            while console.pgconn.is_busy() and until.left:
                clock.sleep(_POLL)
                console.pgconn.consume_input()
            answer = None if console.pgconn.is_busy() else console.pgconn.get_result()
            if answer and answer.status == pq.ExecStatus.FATAL_ERROR:
                raise StepFailed(
                    "the pooler refuses to pause", on=on, because=answer.error_message.decode(errors="replace").strip()
                )


def _known(server: Server, pooler: Pooler, database: str) -> dict[str, bool]:
    """Return which names of the database have clients, and whether they are held back: it knows no others."""
    with _console(server, pooler) as console:
        cursor = console.execute(b"SHOW DATABASES")
        columns = [column.name for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    names = pooler.databases or (database,)
    return {str(row["name"]): str(row["paused"]) == "1" for row in rows if row["name"] in names}


@contextmanager
def _console(server: Server, pooler: Pooler) -> Iterator[Connection]:
    """Open the administration console, which knows no transactions and no prepared statements."""
    on = f"the pooler of {server.name}"
    password = secrets.resolve(pooler.password).reveal() if pooler.password else None
    with faults.connecting(on):
        seconds = max(2, round(server.settings.connect_timeout))
        conninfo = make_conninfo(pooler.dsn, dbname="pgbouncer", connect_timeout=seconds, password=password)
        console: Connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
    with closing(console), faults.explained(on):  # no commit: a PAUSE may still be under way
        yield console
