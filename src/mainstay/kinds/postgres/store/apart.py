"""Where maintenance is rehearsed: a private server of the backup's version, made without asking the live one anything."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.programs import find
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.store.client import PSQL, reached
from mainstay.kinds.postgres.store.private import PrivateServer, lacking, running
from mainstay.kinds.postgres.store.scratch import PLACE, at_private
from mainstay.model.errors import Refused
from mainstay.model.setting import HOST
from mainstay.model.target import Target
from mainstay.vault.store import Dump, Work, unhurried

if TYPE_CHECKING:
    from mainstay.kinds.postgres.store.postgres_store import PostgresStore

_PRELOADED = ("citus", "timescaledb", "pg_stat_statements")  # extensions that are nothing without it, in the order that they need
_MAY_LOG_IN = "SELECT 1 FROM pg_roles WHERE rolname = %s AND rolcanlogin"

# Two updates in one transaction: nothing can remove the versions of the first before it ends. Two thirds of each table and about
# as much of each index are waste then. Triggers and rules of applications are not set off.
_WEAR = r"""
SET session_replication_role = replica;
\set ON_ERROR_STOP off
SELECT format('UPDATE ONLY %1$s SET %2$I = %2$I; UPDATE ONLY %1$s SET %2$I = %2$I', c.oid::regclass, a.attname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN LATERAL (
  SELECT attname FROM pg_attribute
  WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a'
  ORDER BY attnum LIMIT 1
) a ON true
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R'))
  AND NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', 'R'))
ORDER BY c.oid \gexec
"""


@contextmanager
def apart(store: PostgresStore, folder: Path, dump: Dump, work: Work) -> Iterator[tuple[PostgresStore, str]]:
    """Open a private server for a dump; Refused where none of its version can be started on this host."""
    version = dump.versions.get("postgres", "").partition(".")[0]
    preloaded = ",".join(name for name in _PRELOADED if f"extension {name}" in dump.versions)
    server = PrivateServer(store.door, _programs(store, version), folder, preloaded)
    with running(replace(server, door=replace(store.door, place=HOST)), work) as begun:
        made = at_private(store, begun)
        settings = replace(made.target.settings, programs=server.programs)
        yield replace(made, target=replace(made.target, settings=settings)), _place(store.target.settings)


def wear(store: PostgresStore, place: str, work: Work) -> None:
    """Write every row twice more, so that there are dead rows and bloated indexes; a table that resists stays as it is."""
    with reached(store.target, store.door, work) as client:
        client.run(PSQL, place, _WEAR.encode())


def target_at(store: PostgresStore, place: str, live: Target) -> Target:
    """Return the copy as a target: the role of the live one works there, with its rights; where it is unknown, the superuser."""
    settings: PostgresSettings = live.settings
    with reached(store.target, store.door, unhurried()) as client:
        role = _role(settings)
        known = bool(client.server.run(_MAY_LOG_IN, role))
    dsn = make_conninfo(store.target.settings.dsn, dbname=place, **({"user": role} if known else {}))
    own = replace(
        settings,
        dsn=dsn,
        password=None,
        databases=(),
        dsn_inside="",
        programs=store.target.settings.programs,
        next_programs=None,
        rehearsals=None,
        compose=None,
        archive=None,
        pooler=None,
        applications=(),
    )
    return replace(live, settings=own, place=HOST, privilege="user")


def _place(settings: PostgresSettings) -> str:
    """Return the name of the live database, which other settings may name, unless every server has one of that name."""
    name = str(conninfo_to_dict(settings.dsn).get("dbname") or _role(settings))
    return PLACE if name in ("postgres", "template0", "template1") else name


def _role(settings: PostgresSettings) -> str:
    """Return the role that the live server knows us by, as libpq finds it."""
    said = conninfo_to_dict(settings.dsn).get("user")
    return str(said or os.environ.get("PGUSER") or getpass.getuser())


def _programs(store: PostgresStore, version: str) -> Path:
    """Return the folder of the server's programs of a version on this host."""
    if why_not := lacking():
        raise Refused("no server can be started for the rehearsal", on=str(HOST), because=why_not)
    settings = replace(store.target.settings, programs=None) if store.target.place != HOST else store.target.settings
    session = Session(replace(store.target, settings=settings, place=HOST), replace(store.door, place=HOST))
    found = find(session, "initdb", int(version)) if version.isdigit() else None
    if found is None or found.version.partition(".")[0] != version:
        because = f"the backup is of version {version or 'unknown'}, whose programs are not on this host"
        next = "install the server of that version on this host: it need not run"
        raise Refused("no server can be started for the rehearsal", on=store.target.name, because=because, next=next)
    return Path(found.path).parent
