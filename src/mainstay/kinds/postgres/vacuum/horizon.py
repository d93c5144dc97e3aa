"""What keeps dead rows alive: whoever may still have to see them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from mainstay.kinds.postgres.rows import Table
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Holder:
    """A session, a prepared transaction or a slot with a snapshot of its own.

    No row of `database` that died after its snapshot was taken can be removed. `age` is None where this role may not see it.
    """

    sql: ClassVar[str] = "horizon"
    extension: ClassVar[str] = ""

    database: str
    who: str
    xids: int
    age: Duration | None


def keeps_dead(table: Table, holders: Iterable[Holder]) -> Holder | None:
    """Return who makes another VACUUM remove nothing: its snapshot is older than the last VACUUM, which removed the rest."""
    return next((one for one in _of(table, holders) if _older(one.age, table.vacuumed)), None)


def keeps_unfrozen(table: Table, holders: Iterable[Holder]) -> Holder | None:
    """Return who is almost as old as the oldest row of a table, so that freezing would hardly make it younger."""
    return next((one for one in _of(table, holders) if one.xids > 0.9 * table.xid_age), None)


def _of(table: Table, holders: Iterable[Holder]) -> list[Holder]:
    return [one for one in holders if one.database == table.database]


def _older(age: Duration | None, vacuumed: Duration | None) -> bool:
    return age is not None and vacuumed is not None and age > vacuumed
