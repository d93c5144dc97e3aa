"""Where a backup is proven: a private server that nobody else reaches, or, where none can be started, one more database."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg.conninfo import make_conninfo

from mainstay.kinds.postgres.programs import Program, find
from mainstay.kinds.postgres.store import making
from mainstay.kinds.postgres.store.client import Client, reached
from mainstay.kinds.postgres.store.private import SUPERUSER, PrivateServer, lacking, running
from mainstay.model.errors import Refused
from mainstay.model.setting import HOST
from mainstay.vault.store import Store, Work

if TYPE_CHECKING:
    from mainstay.kinds.postgres.store.postgres_store import PostgresStore

PLACE = "restored"
_BESIDE = "mainstay proof "
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))"
_PRELOADED = "SELECT setting FROM pg_settings WHERE name = 'shared_preload_libraries'"


@contextmanager
def scratch(store: PostgresStore, folder: Path, work: Work) -> Iterator[tuple[Store, str]]:
    """Open a private server in `folder`, or say in the remark of the store why it is a database of the same server."""
    with reached(store.target, store.door, work) as client:
        why_not, initdb = _impossible(client)
        found = client.server.run(_PRELOADED)
    if why_not or initdb is None:
        with _beside(store, folder, work, why_not) as place:
            yield replace(store, remark=f"proven in a scratch database of the same server: {why_not}"), place
        return
    with running(PrivateServer(store.door, Path(initdb.path).parent, folder, str(found[0][0]) if found else ""), work) as server:
        yield at_private(store, server), PLACE


def at_private(store: PostgresStore, server: PrivateServer) -> PostgresStore:
    """Return the store that reaches a private server."""
    dsn = make_conninfo(host=str(server.sockets), port=5432, user=SUPERUSER, dbname="postgres")
    settings = replace(store.target.settings, dsn=dsn, password=None, dsn_inside="")
    target = replace(store.target, settings=settings, place=HOST)
    return replace(store, target=target, door=replace(store.door, place=HOST), private=True, remark=server.remark)


def _impossible(client: Client) -> tuple[str, Program | None]:
    """Say why no private server can be started here, "" when it can, and by which program."""
    if client.contained:
        return "the server runs in a container", None
    initdb, major = find(client.session, "initdb"), client.identity.major
    if initdb is None:
        return "the server's programs are not on this host", None
    if int(initdb.version.split(".")[0]) != major:
        return f"the programs of version {major} are not on this host", None
    return lacking(), initdb


@contextmanager
def _beside(store: PostgresStore, folder: Path, work: Work, why: str) -> Iterator[str]:
    """Name a database of the same server and drop it at the end; those of killed proofs, whose lock is free, go first."""
    place = _BESIDE + hashlib.sha256(os.fsencode(folder) + store.door.tag.encode()).hexdigest()[:16]
    with reached(store.target, store.door, work) as client, client.connect(application_name=place) as holding:
        for one in sorted({place, *(one for one in making.marked(client) if one.startswith(_BESIDE))}):
            [(free,)] = holding.execute(_LOCK, (one,)).fetchall()
            if free:
                making.remove(client, one)
            elif one == place:
                raise Refused("this proof is running already", on=place, because=why)
        try:
            yield place
        finally:
            store.remove(place)  # by a connection of its own: those of this client may have been ended as an earlier attempt's
