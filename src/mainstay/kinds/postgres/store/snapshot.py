"""One moment of a database, held open: every table locked against changes of its shape, and a snapshot that all others share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.server import Connection
from mainstay.kinds.postgres.statement import Name
from mainstay.kinds.postgres.store.catalog import DumpedSequence, DumpedTable, Origin, Remark, filled, rows
from mainstay.kinds.postgres.store.client import Client
from mainstay.model.errors import StepFailed

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LOCK = "LOCK TABLE {tables} IN ACCESS SHARE MODE"
_EXPORT = "SELECT pg_export_snapshot()"
_JOIN = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;\nSET TRANSACTION SNAPSHOT {id};\n"
_VALUE = "SELECT last_value, is_called FROM {sequence}"
_HIGHEST = "SELECT max({column}) FROM {table}"
_TRIES = 3  # when tables are dropped between two looks
_MANY = 500  # tables in one statement


@dataclass(frozen=True)
class SequenceState:
    """A sequence and its value; `highest` is that of the column that it fills."""

    sequence: DumpedSequence
    last: int
    called: bool
    highest: int | None = None

    @property
    def behind(self) -> bool:
        """Tell whether it would yield a value that the column has already."""
        return self.highest is not None and self.last < self.highest


@dataclass(frozen=True)
class Snapshot:
    """What is there at one moment. `id` joins another transaction to it, as long as this one is open."""

    id: str
    database: str
    origin: Origin
    tables: tuple[DumpedTable, ...]
    sequences: tuple[SequenceState, ...]
    remarks: tuple[Remark, ...]

    @property
    def joined(self) -> str:
        """Return the beginning of a script that sees this moment."""
        return filled(_JOIN, id=self.id)


@contextmanager
def held(client: Client, database: str = "") -> Iterator[Snapshot]:
    """Open a snapshot of a database ("" = that of the connection) and keep it until the end of the block.

    Tables are locked before the snapshot is taken: TRUNCATE and the forms of ALTER TABLE that rewrite show their result to old
    snapshots too.
    """
    with client.connect(database) as connection:
        _begin(connection)
        yield _taken(connection)


def _begin(connection: Connection) -> None:
    """Lock every table in a transaction that has no snapshot yet; one that is dropped meanwhile makes it begin again."""
    for _ in range(_TRIES):
        known = rows(connection, DumpedTable)
        connection.execute(_BEGIN.encode())
        try:
            _lock(connection, known)
        except psycopg.errors.UndefinedTable:
            connection.execute(b"ROLLBACK")
            continue
        return
    raise StepFailed("tables keep being dropped", on=f"database {connection.info.dbname}", next="back up at a quieter time")


def _taken(connection: Connection) -> Snapshot:
    with faults.explained(f"database {connection.info.dbname}"):
        [(id,)] = connection.execute(_EXPORT.encode()).fetchall()
        tables = rows(connection, DumpedTable)
        _lock(connection, tables)  # also what was made since the first look
        [origin] = rows(connection, Origin)
        values = tuple(_value(connection, one) for one in rows(connection, DumpedSequence))
        return Snapshot(str(id), connection.info.dbname, origin, tables, values, rows(connection, Remark))


def _lock(connection: Connection, tables: Sequence[DumpedTable]) -> None:
    for start in range(0, len(tables), _MANY):
        names: list[Name] = [(one.schema, one.name) for one in tables[start : start + _MANY]]
        connection.execute(filled(_LOCK, tables=names).encode())


def _value(connection: Connection, one: DumpedSequence) -> SequenceState:
    """Read a sequence after the snapshot was taken: it does not obey it, and may be ahead of its rows but never behind."""
    [(last, called)] = connection.execute(filled(_VALUE, sequence=(one.schema, one.name)).encode()).fetchall()
    if not one.column:
        return SequenceState(one, last, called)
    query = filled(_HIGHEST, column=(one.column,), table=(one.table_schema, one.table_name))
    [(highest,)] = connection.execute(query.encode()).fetchall()
    return SequenceState(one, last, called, highest)
