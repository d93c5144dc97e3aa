"""What a dump has to know of a database, and a restore of a server: rows of the queries `dump_*.sql` and `restore_*.sql`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.rows import R, maker
from mainstay.kinds.postgres.server import Connection, composed
from mainstay.kinds.postgres.statement import Name, Place, looking
from mainstay.model.units import Size
from mainstay.vault.names import ObjectName

_LONGEST = 190  # letters of a stream's name; longer ones are hashed


@dataclass(frozen=True)
class DumpedTable:
    """A table whose rows are streamed, or, with a `condition`, those rows of an extension's table that pg_dump copies."""

    sql: ClassVar[str] = "dump_tables"
    extension: ClassVar[str] = ""

    schema: str
    name: str
    quoted: str
    stored: tuple[str, ...]  # in the order of the table
    columns: tuple[str, ...]  # generated ones too, by name
    types: tuple[str, ...]  # of the columns, as far as a digest tells them apart: integer, text, other
    indexes: tuple[str, ...]
    size: Size
    streamed: bool
    condition: str

    @property
    def stream(self) -> ObjectName:
        """Name its stream: `table.public.orders`; what is no plain letter is percent-encoded, and very long names are hashed."""
        encoded = ".".join(quote(part, safe="").replace(".", "%2E").replace("~", "%7E") for part in (self.schema, self.name))
        if len(encoded) > _LONGEST:
            encoded = hashlib.sha256(encoded.encode()).hexdigest()
        return ObjectName(f"table.{encoded}")

    @property
    def stored_as(self) -> Stored:
        """Return what the manifest says of it."""
        return Stored(self.stream, self.quoted, self.schema, self.name, self.stored, self.indexes)


@dataclass(frozen=True)
class Stored:
    """What a manifest says of the stream of one table: its table, and the columns that it holds, in their order."""

    stream: ObjectName
    table: str
    schema: str
    name: str
    columns: tuple[str, ...]
    indexes: tuple[str, ...]


@dataclass(frozen=True)
class DumpedSequence:
    """A sequence, and the indexed column that it fills, "" when there is none."""

    sql: ClassVar[str] = "dump_sequences"
    extension: ClassVar[str] = ""

    schema: str
    name: str
    quoted: str
    table_schema: str
    table_name: str
    column: str


@dataclass(frozen=True)
class Origin:
    """The database that is dumped. `grants` are [role, privilege, grant option], `settings` [role, name, value]; "" = all."""

    sql: ClassVar[str] = "dump_origin"
    extension: ClassVar[str] = ""

    name: str
    owner: str
    encoding: str
    collate: str
    ctype: str
    provider: str  # c libc, i ICU, b built in
    locale: str
    rules: str
    collation_version: str
    checksums: str
    version: str
    version_number: int
    connection_limit: int
    comment: str
    granted: bool
    grants: tuple[Any, ...]
    settings: tuple[Any, ...]
    roles: tuple[str, ...]
    tablespaces: tuple[str, ...]
    extensions: tuple[str, ...]
    parents: tuple[Any, ...]  # [schema, name] of what is partitioned

    @property
    def major(self) -> int:
        """13, 14, ..."""
        return self.version_number // 10_000


@dataclass(frozen=True)
class Remark:
    """Something about one object: `damage`, an `oddity`, or what was `left out`."""

    sql: ClassVar[str] = "dump_remarks"
    extension: ClassVar[str] = ""

    object: str
    problem: str
    sort: str


@dataclass(frozen=True)
class Supply:
    """What a server has."""

    sql: ClassVar[str] = "restore_place"
    extension: ClassVar[str] = ""

    version_number: int
    roles: tuple[str, ...]
    extensions: tuple[str, ...]
    tablespaces: tuple[str, ...]

    @property
    def major(self) -> int:
        """13, 14, ..."""
        return self.version_number // 10_000


def filled(template: str, /, **places: Place | list[Name]) -> str:
    """Return the text of a statement for psql: see `server.composed`."""
    return composed(template, dict(places)).as_string(None)


def rows(connection: Connection, row: type[R]) -> tuple[R, ...]:
    """Run the query of a row class on a connection, inside its transaction."""
    with faults.explained(f"database {connection.info.dbname}"), connection.cursor() as cursor:
        cursor.execute(looking(row.sql, connection.info.server_version // 10_000).encode())
        return tuple(map(maker(row, [column.name for column in cursor.description or ()]), cursor.fetchall()))
