"""How a database is dumped, loaded into a new one, and compared: `vault.store.Store` for PostgreSQL."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from psycopg.conninfo import make_conninfo

from mainstay.kinds.postgres.server import parameters
from mainstay.kinds.postgres.settings import PostgresSettings, qualified
from mainstay.kinds.postgres.store import making, swapping
from mainstay.kinds.postgres.store.catalog import DumpedTable, rows
from mainstay.kinds.postgres.store.client import Client, reached
from mainstay.kinds.postgres.store.digests import Tally, counting
from mainstay.kinds.postgres.store.dump import dump, noted, remarks, versions_of
from mainstay.kinds.postgres.store.hindrances import hindrances
from mainstay.kinds.postgres.store.load import load
from mainstay.kinds.postgres.store.snapshot import held
from mainstay.kinds.postgres.store.soundness import require_sound
from mainstay.model.errors import Refused, Unreachable
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.store import Dump, Hindrance, Sink, Source, Store, Work, unhurried

_OBJECTS = "SELECT CASE WHEN EXISTS (SELECT FROM pg_largeobject_metadata) THEN pg_relation_size('pg_largeobject') ELSE 0 END"


@dataclass(frozen=True)
class PostgresStore:
    """The store of the database that `dsn` names. A place is the name of a database at the same server.

    private   the server is a scratch one of this process: it may be given roles and extensions
    remark    what a proof in this place has to say of the place
    """

    target: Target
    door: Door
    private: bool = False
    remark: str = ""

    @property
    def kind(self) -> str:
        """Return the name of this kind."""
        return "postgres"

    def estimate(self) -> int:
        """Return the bytes of all tables and large objects, as they lie on disk."""
        with self._reached(unhurried()) as client, client.connect() as connection:
            [(objects,)] = connection.execute(_OBJECTS.encode()).fetchall()
            return int(objects) + sum(one.size for one in rows(connection, DumpedTable))

    def hindrances(self) -> tuple[Hindrance, ...]:
        """Return locks that a dump would wait for, and transactions that are open for longer than `check` allows."""
        with self._reached(unhurried()) as client, client.connect() as connection:
            return hindrances(connection, client.settings.limits.transaction)

    def dump(self, sink: Sink) -> Dump:
        """Write one snapshot as streams: see `dump`."""
        with self._reached(sink.work) as client:
            client.server.end_others()
            return _described(dump(client, sink))

    @cached_property
    def live(self) -> str:
        """Return the database that `dsn` names, whether it is there or not."""
        with self._anyhow(unhurried()) as client:
            return str(parameters(self.target.settings).get("dbname") or client.identity.database)

    def beside(self, name: str) -> str:
        """Return the name of the live database with this one after it."""
        return _fitting(f"{self.live}_{name}")

    def half_made(self, place: str, id: str) -> str:
        """Return a name that only this restore uses."""
        return _fitting(f"{place} {id}")

    def exists(self, place: str) -> bool:
        """Tell whether a database of that name is there."""
        with self._anyhow(unhurried()) as client:
            return making.exists(client, place)

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Rebuild as a new database; Refused, before anything is made, when this server lacks what the dump needs."""
        if only:
            _require_qualified(only)
        with self._anyhow(source.work) as client:
            client.server.end_others()
            load(client, source, place, only, private=self.private)

    def describe(self, place: str, work: Work) -> Dump:
        """Count and digest a database, after having looked whether it is sound."""
        tally = Tally()
        with self._anyhow(work) as client, held(client, place) as seen:
            notes = require_sound(client, seen, private=self.private)
            jobs = sorted(counting(client, seen, tally), key=lambda job: -job[0])
            client.together([job for _, job in jobs])
            noted(seen, tally)
            versions = versions_of(client, seen)
        extra = {"took": tally.took}
        notes = tuple(filter(None, (self.remark, *notes, *remarks(seen))))
        return _described(Dump(tally.counts, dict(sorted(tally.digests.items())), versions, notes, extra))

    def rename(self, place: str, new: str) -> None:
        """Give a restored database its name."""
        with self._anyhow(unhurried()) as client:
            making.rename(client, place, new)

    def remove(self, place: str) -> None:
        """Drop a database that a restore made; Refused for any other."""
        with self._anyhow(unhurried()) as client:
            making.remove(client, place)

    def swap(self, copy: str, old: str, work: Work) -> None:
        """Exchange the names of the live database and a copy, in one transaction."""
        with self._reached(work) as client:
            swapping.swap(client.server, copy, old, work)

    def reopen(self, work: Work) -> None:
        """Let clients go on whom a pooler holds back."""
        with self._reached(work) as client:
            swapping.reopen(client.server)

    def newer(self, dump: Dump, work: Work) -> dict[str, int]:
        """Count the rows of the live database against a dump."""
        with self._reached(work) as client:
            return swapping.newer(client.server, dump, work)

    def scratch(self, folder: Path, work: Work) -> AbstractContextManager[tuple[Store, str]]:
        """Open a private server of the same version in `folder`; where that cannot be, a database of the same server."""
        from mainstay.kinds.postgres.store.scratch import scratch

        return scratch(self, folder, work)

    def apart(self, folder: Path, dump: Dump, work: Work) -> AbstractContextManager[tuple[PostgresStore, str]]:
        """Open a private server of the version of a dump in `folder`; Refused where that cannot be."""
        from mainstay.kinds.postgres.store.apart import apart

        return apart(self, folder, dump, work)

    def wear(self, place: str, work: Work) -> None:
        """Leave dead rows and bloated indexes in a copy."""
        from mainstay.kinds.postgres.store.apart import wear

        wear(self, place, work)

    def target_at(self, place: str, live: Target) -> Target:
        """Return a copy at a private server as a target."""
        from mainstay.kinds.postgres.store.apart import target_at

        return target_at(self, place, live)

    @contextmanager
    def _anyhow(self, work: Work) -> Iterator[Client]:
        """Reach the server; through its database `postgres` where the live one is lost, for then a restore is needed most."""
        elsewhere = _through(self.target, "postgres")
        with self._reached(work) as client, reached(elsewhere, self.door, work) as other:
            yield other if _is_lost(client, other) else client

    def _reached(self, work: Work) -> AbstractContextManager[Client]:
        return reached(self.target, self.door, work)


def _through(target: Target, database: str) -> Target:
    """Return the same server, reached through another database."""
    settings: PostgresSettings = target.settings
    inside = make_conninfo(settings.dsn_inside, dbname=database) if settings.dsn_inside else ""
    return replace(target, settings=replace(settings, dsn=make_conninfo(settings.dsn, dbname=database), dsn_inside=inside))


def _is_lost(client: Client, other: Client) -> bool:
    """Tell whether the database of a client is not there, as another database of its server knows."""
    with suppress(Unreachable):
        return not client.identity
    with suppress(Unreachable):
        return not making.exists(other, str(parameters(client.settings).get("dbname")))
    return False  # whoever uses it is told why it cannot be reached


def _require_qualified(table: str) -> None:
    """Refuse what is not the name of a table with its schema."""
    try:
        qualified(table)
    except ValueError as error:
        next = 'write SCHEMA.TABLE, such as public.orders, or "Sales"."Orders" where it is not in small letters'
        raise Refused("this is not the name of a table", on=table, because="it needs a schema and a name", next=next) from error


def _described(dump: Dump) -> Dump:
    """Say of a database without a table that it is empty: it was looked at, and a copy that holds something differs from it."""
    return dump if dump.counts or dump.digests else replace(dump, digests={"database": "empty"})


def _fitting(name: str) -> str:
    """Return a name that a database can have: a long one is cut, and ends in its digest."""
    if len(name.encode()) <= making.LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name.encode()[: making.LONGEST - 13].decode(errors='ignore')}-{digest}"
