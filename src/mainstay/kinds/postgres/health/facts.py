"""One look at a server's health: a row of this and a bounded list of that, none of which reads a table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.health.probe import Probe, probe
from mainstay.kinds.postgres.health.rows import (
    Age,
    ArchiveQueue,
    Archiver,
    Busy,
    Capacity,
    ChecksumFailures,
    Connections,
    InvalidIndex,
    LateTable,
    PendingSetting,
    Prepared,
    Regime,
    Replica,
    Sequence,
    Slot,
    Standby,
    Totals,
    Waiter,
)
from mainstay.kinds.postgres.rows import Database, Identity
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.sqltext import shown
from mainstay.model.errors import Unreachable
from mainstay.model.units import Duration
from mainstay.system import clock

if TYPE_CHECKING:
    from mainstay.kinds.postgres.server import Server

MOST = 30  # rows of each list: what is seen goes to the journal
_QUERY = 80  # characters
_ONCE = {"capacity": Capacity, "regime": Regime, "archiver": Archiver, "totals": Totals}
_LISTS = {
    "connections": Connections,
    "busy": Busy,
    "waiters": Waiter,
    "damaged": ChecksumFailures,
    "replicas": Replica,
    "slots": Slot,
    "ages": Age,
    "prepared": Prepared,
    "pending": PendingSetting,
    "databases": Database,
}  # of the server
_OF_EACH = {"sequences": Sequence, "invalid": InvalidIndex, "late": LateTable}  # of each database that is cared for
_CONTEXT = ("connections", "ages", "databases", "sequences")  # most of what they list is as it should be
_RANKS: dict[str, Any] = {
    "sequences": lambda one: -one.used,
    "invalid": lambda one: -one.size,
    "late": lambda one: -one.dead / max(one.starts, 1),
    "databases": lambda one: -one.size,
}  # what is kept of a list that is too long


@dataclass(frozen=True)
class HealthFacts:
    """A server as its DBA looks at it every day, and the settings that judge it.

    before   the counters of the previous look, `since` seconds ago; None when there was none, or they were reset since
    late     tables with too many dead rows, and the oldest one of each database
    unseen   databases that could not be looked into, and why
    unlisted how many rows of a list were left out, where each is worth a finding
    unreadable how many sequences of a database this role may not read
    """

    at: datetime
    settings: PostgresSettings
    server: Identity
    probe: Probe
    capacity: Capacity
    regime: Regime
    archiver: Archiver
    totals: Totals
    queue: ArchiveQueue | None = None  # None when this role may not see it
    standby: Standby | None = None  # None on a primary
    before: Totals | None = None
    since: Duration | None = None
    connections: tuple[Connections, ...] = ()
    busy: tuple[Busy, ...] = ()
    waiters: tuple[Waiter, ...] = ()
    damaged: tuple[ChecksumFailures, ...] = ()
    replicas: tuple[Replica, ...] = ()
    slots: tuple[Slot, ...] = ()
    ages: tuple[Age, ...] = ()
    prepared: tuple[Prepared, ...] = ()
    pending: tuple[PendingSetting, ...] = ()
    databases: tuple[Database, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    invalid: tuple[InvalidIndex, ...] = ()
    late: tuple[LateTable, ...] = ()
    unseen: dict[str, str] = field(default_factory=dict)
    unlisted: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)


def look(session: Session) -> HealthFacts:
    """Ask the server for everything that a health check judges."""
    server: Server = session.connection
    identity, now = server.identity(), clock.now()
    lists, unseen = _lists(server)
    before, since = _before(session.last, now)
    standby = server.read(Standby)
    return HealthFacts(
        at=now,
        settings=session.target.settings,
        server=identity,
        probe=probe(server, identity.in_recovery),
        queue=server.read(ArchiveQueue)[0] if identity.monitor or identity.superuser else None,
        standby=standby[0] if standby else None,
        before=before,
        since=since,
        unseen=unseen,
        unlisted={name: len(rows) - MOST for name, rows in lists.items() if len(rows) > MOST and name not in _CONTEXT},
        unreadable={one.database: one.unreadable for one in lists["sequences"] if one.unreadable},
        **{name: server.read(row)[0] for name, row in _ONCE.items()},
        **{name: _worst(name, rows) for name, rows in lists.items()},
    )


def _lists(server: Server) -> tuple[dict[str, tuple[Any, ...]], dict[str, str]]:
    """Read all lists; beside them, the databases that do not let us in, and why."""
    lists: dict[str, tuple[Any, ...]] = {name: server.read(row) for name, row in _LISTS.items()}
    lists |= {name: tuple(_brief(one) for one in lists[name]) for name in ("busy", "waiters")}
    found: dict[str, list[Any]] = {name: [] for name in _OF_EACH}
    unseen: dict[str, str] = {}
    for database in server.databases():
        try:
            rows: dict[str, Any] = {name: server.read(row, database) for name, row in _OF_EACH.items()}
        except Unreachable as error:
            unseen[database] = error.because
            continue
        for name, more in rows.items():
            found[name] += more
    return {**lists, **{name: tuple(each) for name, each in found.items()}}, unseen


def _worst(name: str, rows: tuple[Any, ...]) -> Any:
    return tuple(sorted(rows, key=_RANKS[name]) if name in _RANKS else rows)[:MOST]


def _brief(row: Any) -> Any:
    return replace(row, query=shown(row.query)[:_QUERY])


def _before(last: HealthFacts | None, now: datetime) -> tuple[Totals | None, Duration | None]:
    return (last.totals, Duration((now - last.at).total_seconds())) if last else (None, None)
