"""What stands in the way of a dump: transactions that are open for long, and locks for which a dump would wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mainstay.kinds.postgres.server import Connection
from mainstay.kinds.postgres.store.catalog import rows
from mainstay.model.units import Duration
from mainstay.vault.store import Hindrance


@dataclass(frozen=True)
class Hindering:
    """A transaction of another session, or a prepared one (pid 0), and the tables that it has for itself."""

    sql: ClassVar[str] = "hindrances"
    extension: ClassVar[str] = ""

    pid: int
    user: str
    application: str
    locked: str
    age: Duration


def hindrances(connection: Connection, longest: Duration) -> tuple[Hindrance, ...]:
    """Return every lock that a dump would wait for, and transactions that are open for longer than this."""
    return tuple(_told(one, longest) for one in rows(connection, Hindering) if one.locked or one.age > longest)


def _told(one: Hindering, longest: Duration) -> Hindrance:
    who = f"process {one.pid}, {one.user} ({one.application or 'unnamed'})" if one.pid else "a prepared transaction"
    if one.locked:
        return Hindrance(f"exclusive lock on {one.locked}", who, one.age, blocks=True)
    return Hindrance("open transaction", who, one.age, limit=longest)
