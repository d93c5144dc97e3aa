"""A restored copy takes the place of the live database, and gives it back: two names are exchanged in one transaction.

The transaction first takes the copy from whoever looks at it and gives it what belongs to the live database outside of itself.
Then it renames the live one: from that moment the server lets nobody in, and every session there is ended. It commits both names,
the old database closed and the new one open. Whatever dies before that, the server takes all of it back; the live name is never
closed. Only clients whom a pooler holds back are owed something: see `pooler`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg.errors import ObjectInUse

from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.server import Connection, Server, composed, milliseconds
from mainstay.kinds.postgres.statement import Place, Statement, Written, statement
from mainstay.kinds.postgres.store import making, pooler
from mainstay.kinds.postgres.store.catalog import DumpedTable, Origin, rows
from mainstay.kinds.postgres.store.digests import LARGE_OBJECTS
from mainstay.model.errors import Refused, StepFailed
from mainstay.vault.store import Dump, Work

RENAME = statement("ALTER DATABASE {name} RENAME TO {new}")
OWN = statement("ALTER DATABASE {name} OWNER TO {owner}")
OPEN = statement("ALTER DATABASE {name} ALLOW_CONNECTIONS true")
CLOSE = statement("ALTER DATABASE {name} ALLOW_CONNECTIONS false")
MARK = statement("ALTER DATABASE {name} SET mainstay.made = swap")  # it may be dropped by whoever drops what was made
FORGET = statement("ALTER DATABASE {name} RESET ALL")
FORGET_ROLE = statement("ALTER ROLE {role} IN DATABASE {name} RESET ALL")
REVOKE = statement("REVOKE ALL ON DATABASE {name} FROM {role}")
# Once the renaming session has the lock nobody comes in; before that, whoever is ended would.
END = statement("""
SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a
WHERE a.datid = %(database)s AND a.backend_type NOT IN ('autovacuum worker', 'parallel worker')
  AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = %(renaming)s AND l.granted AND l.mode = 'AccessExclusiveLock'
              AND l.locktype = 'object' AND l.classid = 'pg_database'::regclass AND l.objid = a.datid)
""")

_OIDS = "SELECT datname::text, oid FROM pg_database WHERE datname = ANY (%s)"
_ELSEWHERE = """
SELECT datname::text FROM pg_database
WHERE datallowconn AND has_database_privilege(oid, 'CONNECT') AND datname <> ALL (%s)
ORDER BY datname <> 'postgres', datname <> 'template1', datname LIMIT 1
"""
_HOLDERS = """
WITH names AS (SELECT oid, datname FROM pg_database WHERE datname = ANY (%s))
SELECT 'prepared transaction ' || quote_literal(p.gid), p.database::text
FROM pg_prepared_xacts p JOIN names ON names.datname = p.database
UNION ALL SELECT 'replication slot ' || s.slot_name, s.database::text
FROM pg_replication_slots s JOIN names ON names.datname = s.database
UNION ALL SELECT 'subscription ' || s.subname, datname::text FROM pg_subscription s JOIN names ON names.oid = s.subdbid
UNION ALL SELECT 'a step at work: ' || a.application_name, a.datname::text
FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN names ON names.oid = l.database
WHERE l.locktype = 'advisory' AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('mainstay', 0)
"""
_GRANTEES = """
SELECT DISTINCT pg_get_userbyid(a.grantee)::text FROM pg_database d, aclexplode(d.datacl) a
WHERE d.datname = %s AND a.grantee <> 0
"""
_ROLES = """
SELECT DISTINCT pg_get_userbyid(s.setrole)::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
WHERE d.datname = %s AND s.setrole <> 0
"""
_LEFT = """
SELECT format('pid %%s of %%s (%%s, %%s)', pid, usename, nullif(application_name, ''), coalesce(state, backend_type))
FROM pg_stat_activity WHERE datid = %s ORDER BY pid LIMIT 5
"""
_COUNT = "SELECT count(*) FROM ONLY {table} AS one {condition}"
_OBJECTS = "SELECT count(*) FROM pg_largeobject_metadata"
_LOCK = "2s"  # a name is locked for a moment by everybody who connects
_POLL = 0.01


@dataclass(frozen=True)
class Names:
    """The database that users reach, the copy that takes its place, and the name that it gets then."""

    live: str
    copy: str
    old: str

    @property
    def aside(self) -> str:
        """Return the name of the copy for as long as nobody may reach it."""
        return f"mainstay swaps {hashlib.sha256(self.copy.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class Preparation:
    """What has to be known beforehand: nobody may be connected to either database later on."""

    names: Names
    live: int  # the oid of the live database
    copy: int
    origin: Origin  # what it is
    grantees: tuple[str, ...]  # roles that may do something to the copy
    roles: tuple[str, ...]  # roles that have settings of their own in the copy


def live(server: Server) -> str:
    """Return the name of the database that users reach."""
    return server.identity().database


def swap(server: Server, copy: str, old: str, work: Work) -> None:
    """Exchange the names, unless that has happened; Refused where something holds on to one of the databases, which is named."""
    names = Names(live(server), copy, old)
    there = {str(name) for name, _ in server.run(_OIDS, [copy, old])}
    if there == {old}:  # it happened, and whoever did it died
        reopen(server)
        return
    _require(names, there)
    _require_free(server, names)
    ready, elsewhere = _prepared(server, names), _elsewhere(server, names)
    work.pulse()
    server.close()
    with (
        _sessions(server, elsewhere, work) as (acting, ending),
        ExitStack() as waiting,  # it ends after the transaction
        faults.explained(f"{server.name}, database {names.live}"),
        acting.transaction(),
    ):
        _take(acting, ending, ready.copy, copy, names.aside)
        _dress(acting, ready)
        waiting.enter_context(pooler.waiting(server, names.live))
        _take(acting, ending, ready.live, names.live, old)
        for one in (CLOSE, MARK):
            _do(acting, one, name=(old,))
        _do(acting, OPEN, name=(names.aside,))
        _do(acting, RENAME, name=(names.aside,), new=(names.live,))


def reopen(server: Server) -> None:
    """Let clients go on whom the pooler holds back; the database itself is never closed."""
    if server.settings.pooler:
        pooler.resume(server, live(server))


def newer(server: Server, dump: Dump, work: Work) -> dict[str, int]:
    """Count every row of the live database, and return by how much each table differs from a dump; only what differs.

    Statistics would not do: they are estimates, and behind by minutes.
    """
    with server.connect(default_transaction_read_only="on", statement_timeout=milliseconds(work.deadline.left)) as connection:
        tables = [(one.quoted, _counting(one)) for one in rows(connection, DumpedTable)]
        counts = {}
        with faults.explained(f"{server.name}, database {connection.info.dbname}"):
            for name, query in (*tables, (LARGE_OBJECTS, _OBJECTS)):
                work.pulse()
                [(counts[name],)] = connection.execute(query.encode()).fetchall()
    changes = {name: int(count) - dump.counts.get(name, 0) for name, count in counts.items()}
    return {name: change for name, change in changes.items() if change}


def _require(names: Names, there: set[str]) -> None:
    if names.copy not in there:
        raise Refused("there is no such copy", on=f"database {names.copy}", next="restore one first: mainstay restore TARGET")
    if names.old in there:
        raise Refused("that name is taken", on=f"database {names.old}", next="rename or drop that database")


def _require_free(server: Server, names: Names) -> None:
    """Refuse while something holds on to one of the databases that ending its sessions would not end."""
    held = server.run(_HOLDERS, [names.live, names.copy])
    if held:
        because = "; ".join(f"{what} is in {database}" for what, database in held[:5])
        raise Refused("the database cannot change its name now", on=names.live, because=because, next="end it first, then again")


def _prepared(server: Server, names: Names) -> Preparation:
    [origin] = server.read(Origin)
    oids = {str(name): int(oid) for name, oid in server.run(_OIDS, [names.live, names.copy])}
    grantees, roles = ([str(role) for (role,) in server.run(query, names.copy)] for query in (_GRANTEES, _ROLES))
    return Preparation(names, oids[names.live], oids[names.copy], origin, tuple(grantees), tuple(roles))


def _elsewhere(server: Server, names: Names) -> str:
    found = server.run(_ELSEWHERE, [names.live, names.copy, names.old])
    if not found:
        raise Refused(
            "there is no other database to work from", on=server.name, next="let this role connect to the database postgres"
        )
    return str(found[0][0])


@contextmanager
def _sessions(server: Server, database: str, work: Work) -> Iterator[tuple[Connection, Connection]]:
    """Open the session that exchanges names and the one that ends others; sessions of an earlier attempt end first."""
    server.end_others()
    limits = {"statement_timeout": milliseconds(work.deadline.left), "lock_timeout": _LOCK}
    with server.connect(database, **limits) as acting, server.connect(database, **limits) as ending:
        if acting.info.server_version >= 140_000:
            acting.execute(b"SET client_connection_check_interval = '1s'")  # the server notices when we are killed
        yield acting, ending


def _dress(acting: Connection, ready: Preparation) -> None:
    """Give the copy what belongs to the live database outside of itself, and nothing else."""
    name, origin = ready.names.aside, ready.origin
    _do(acting, OWN, name=(name,), owner=(origin.owner,))
    _do(acting, FORGET, name=(name,))
    for role in ready.roles:
        _do(acting, FORGET_ROLE, name=(name,), role=(role,))
    making.dress(acting, name, origin)
    for role in ready.grantees:
        _do(acting, REVOKE, name=(name,), role=(role,))
    if origin.granted or ready.grantees:
        making.grant(acting, name, origin)


def _take(acting: Connection, ending: Connection, oid: int, name: str, new: str) -> None:
    """Rename a database. The server does so once all sessions there have ended, and waits five seconds for that."""
    who = {"database": oid, "renaming": acting.info.backend_pid}
    with ThreadPoolExecutor(1) as pool:
        renaming = pool.submit(_do, acting, RENAME, name=(name,), new=(new,))
        while not wait([renaming], _POLL).done:
            _do(ending, END, values=who)
        try:
            renaming.result()
        except ObjectInUse as error:
            left = "; ".join(str(told) for (told,) in ending.execute(_LEFT.encode(), (oid,)).fetchall())
            raise StepFailed(
                "sessions do not end",
                on=f"database {name}",
                because=left or faults.told(error),
                next="look at them: pg_stat_activity",
            ) from error


def _do(connection: Connection, one: Statement, /, *, values: dict[str, Any] | None = None, **places: Place) -> None:
    sys.audit("mainstay.postgres", one.text)
    connection.execute(composed(one.text, places), values)


def _counting(one: DumpedTable) -> str:
    return composed(_COUNT, {"table": (one.schema, one.name), "condition": Written(one.condition)}).as_string(None)
