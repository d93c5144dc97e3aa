"""What decides how a table can be made smaller: what it is, what the server and this role allow, and what is at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.space import toast_sample
from mainstay.kinds.postgres.space.estimate import TableBloat, look_bloat
from mainstay.model.plan import On
from mainstay.model.units import Size
from mainstay.system.files import room

_LITTLE = 1 << 20  # bytes


@dataclass(frozen=True)
class Compactable:
    """A table or materialised view as those see it who would make it smaller."""

    sql: ClassVar[str] = "compactable"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    oid: int
    quoted: str  # as SQL writes its name
    owner: str
    owned: bool  # this role may maintain it
    kind: str  # r table, m materialised view
    persistence: str  # p permanent, u unlogged
    system: bool  # a system catalog
    filenode: int  # the file that holds it: another one after each rewrite
    key: bool  # a unique index tells its rows apart
    identity: bool  # an index that replicas find its rows by
    column: str  # that can be set to itself, "" for none
    wide: tuple[str, ...]  # columns whose values may lie in TOAST
    arrays: tuple[str, ...]  # the same, of arrays
    toast_index: str  # "" for none, or none that this role may rebuild
    fires: tuple[str, ...]  # triggers and rules that an update of that column sets off
    fires_always: tuple[str, ...]  # the same while session_replication_role is replica
    unproven: tuple[str, ...]  # constraints that were never checked: an update of an old row may fail
    publications: tuple[str, ...]
    row_security: bool  # policies hide rows from this role
    repacking: bool  # a pg_repack is at work on it
    leftovers: tuple[str, ...]  # of a pg_repack that was ended
    tablespace: str  # its folder, "" for that of the server

    @property
    def on(self) -> On:
        """Its structured id in plans."""
        return ("table", self.database, self.schema, self.name)


@dataclass(frozen=True)
class Means:
    """What the server and this role allow in one database."""

    sql: ClassVar[str] = "compaction"
    extension: ClassVar[str] = ""

    database: str
    major: int
    superuser: bool
    quiet: bool  # may keep triggers from firing
    extension_version: str
    wal_level: str
    folder: str  # the data directory, "" where this role may not know
    port: int


@dataclass(frozen=True)
class CompactFacts:
    """The tables with their bloat; `repack` is the version of the program pg_repack, `room` is known on the server's own host."""

    at: datetime
    settings: PostgresSettings
    server: Identity
    bloat: tuple[TableBloat, ...]
    tables: tuple[Compactable, ...]
    means: tuple[Means, ...]
    repack: str = ""
    room: Size | None = None

    def table(self, on: On) -> tuple[TableBloat, Compactable] | None:
        """Return one table by its structured id."""
        bloat = next((one for one in self.bloat if one.on == on), None)
        table = next((one for one in self.tables if one.on == on), None)
        return (bloat, table) if bloat and table else None

    def allowed(self, database: str) -> Means:
        """Return what is allowed in a database."""
        return next(one for one in self.means if one.database == database)


def look_compactable(session: Session, on: On | None = None) -> CompactFacts:
    """Look at all tables, or at `("table", database, schema, name)` alone."""
    server, bloat = session.connection, look_bloat(session, on)
    if on:
        only = [one.oid for one in bloat.tables]
        tables, means = server.read(Compactable, on[1], only) if only else (), server.read(Means, on[1])
    else:
        tables, means = server.everywhere(Compactable), server.everywhere(Means)
    known = {one.on: one for one in tables}
    sampled = tuple(_with_toast(session, one, known[one.on]) for one in bloat.tables if one.on in known)
    kept = tuple(one for one in tables if one.on in {bloated.on for bloated in sampled})
    program, free = programs.find(session, "pg_repack"), _room(session, means[0])
    return CompactFacts(bloat.at, bloat.settings, bloat.server, sampled, kept, means, program.version if program else "", free)


def _with_toast(session: Session, bloat: TableBloat, table: Compactable) -> TableBloat:
    """Reckon what nobody could measure, if it is a good part of the table."""
    if bloat.toast_expected is not None or bloat.toast < max(_LITTLE, bloat.heap // 10):
        return bloat
    columns = (*table.wide, *table.arrays)
    return replace(bloat, toast_expected=toast_sample.expected(session, bloat.on, bloat.heap, columns))


def _room(session: Session, means: Means) -> Size | None:
    """Measure the room of the data directory, if it is on this host and is that of this very server."""
    folder = Path(means.folder)
    try:
        lines = (folder / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
        ours = means.folder and not session.door.place.container and lines[1:4:2] == [means.folder, str(means.port)]
        return room(folder).free if ours else None
    except OSError:
        return None  # on another host, or not for our eyes
