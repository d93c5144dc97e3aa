"""What most tasks need to know of a server: who it is, its tables, and the settings that judge them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.rows import Identity, Table
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.plan import On
from mainstay.system import clock


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
