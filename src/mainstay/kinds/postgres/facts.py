"""What most tasks need to know of a server: who it is, its tables, and the settings that judge them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.rows import Identity, Table
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.system import clock

if TYPE_CHECKING:
    from mainstay.kinds.postgres.acting import Act

_LARGEST = 50  # tables whose sizes are worth a history


@dataclass(frozen=True)
class TableFacts:
    """The tables of every database that is cared for; with `on`, one of them, and none when it is gone."""

    at: datetime
    settings: PostgresSettings
    server: Identity
    tables: tuple[Table, ...]

    def table(self, on: On) -> Table | None:
        """Return one table by its structured id."""
        return next((one for one in self.tables if one.on == on), None)


def look(session: Session, on: On | None = None) -> TableFacts:
    """Look at all tables, or at `("table", database, schema, name)` alone."""
    server = session.connection
    tables: tuple[Table, ...] = server.read(Table, on[1]) if on else server.everywhere(Table)
    wanted = tuple(one for one in tables if on is None or one.on == on)
    return TableFacts(clock.now(), session.target.settings, server.identity(), wanted)


def settle(act: Act) -> None:
    """Wait until a look shows what was just done: before version 15, statistics are up to half a second old."""
    if act.server.identity().major < 15:
        clock.sleep(0.6)


def sizes(tables: Iterable[Table]) -> Iterator[Figure]:
    """Yield bytes and rows of the largest tables: heap, TOAST and indexes apart, living and dead rows."""
    for table in sorted(tables, key=lambda one: one.total, reverse=True)[:_LARGEST]:
        name = ".".join(table.on[1:])
        yield from (
            Figure(f"{part} {name}", size, "B", stored=True)
            for part, size in (("heap", table.heap), ("toast", table.toast), ("indexes", table.indexes))
        )
        yield from (Figure(f"rows {name}", table.live), Figure(f"dead rows {name}", table.dead))
