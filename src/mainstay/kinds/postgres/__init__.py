"""PostgreSQL servers, cared for while their applications run."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from mainstay.kinds.kind import Apart, Found, Kind
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.errors import ConfigError
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.store import Store

if TYPE_CHECKING:
    from mainstay.kinds.postgres.server import Server


@contextmanager
def connect(target: Target, door: Door) -> Iterator[Server]:
    """Open a target's server."""
    with _server().connect(target, door) as opened:
        yield opened


def store(target: Target, door: Door) -> Store:
    """Return how its database is backed up."""
    _server()
    made: Store = importlib.import_module("mainstay.kinds.postgres.store").PostgresStore(target, door)
    return made


def resource(target: Target) -> str:
    """Identify a server by host and port, whatever database or user the connection names."""
    known = _server().parameters(target.settings)
    return f"postgres:{known.get('service') or known.get('hostaddr') or known.get('host', '')}:{known.get('port', 5432)}"


def discover() -> list[Found]:
    """Look for servers of this host."""
    from mainstay.kinds.postgres.discover import discover

    return discover()


def _server() -> ModuleType:
    """Import the way to a server, and with it the driver, which only those need who have one."""
    try:
        return importlib.import_module("mainstay.kinds.postgres.server")
    except ImportError as error:
        raise ConfigError("the kind postgres needs the driver psycopg", next="pip install 'mainstay[postgres]'") from error


TASKS = {
    "check": "health.check:Check",
    "activity": "sessions.activity:Activity",
    "counts": "integrity.counts:Counts",
    "vacuum": "vacuum.vacuum:Vacuum",
    "analyze": "planner.analyze:Analyze",
    "statistics": "planner.statistics:Statistics",
    "bloat": "space.bloat:Bloat",
    "compact": "compaction.compact:Compact",
    "reindex": "indexes.reindex:Reindex",
    "drop_invalid_indexes": "indexes.drop_invalid_indexes:DropInvalidIndexes",
    "amcheck": "integrity.amcheck:Amcheck",
    "statements": "performance.statements:Statements",
    "performance": "performance.performance:Performance",
    "sizes": "space.sizes:Sizes",
    "indexes": "indexes.indexes:Indexes",
    "schema": "schema.schema:Schema",
    "tune": "tuning.tune:Tune",
    "cancel": "sessions.cancel:Cancel",
    "read_only": "readonly.read_only:ReadOnly",
    "orphans": "orphans.orphans:OrphanedRows",
    "upgrade_check": "upgrade.upgrade_check:UpgradeCheck",
    "upgrade_rehearsal": "upgrade.upgrade_rehearsal:UpgradeRehearsal",
    "archive": "recovery.archive:ArchiveCheck",
    "archive_verify": "recovery.archive_verify:ArchiveVerify",
    "base_backup": "recovery.base_backup:BaseBackup",
    "archive_prune": "recovery.archive_prune:ArchivePrune",
    "prove_recovery": "recovery.prove_recovery:ProveRecovery",
    "recover": "recovery.recover:Recover",
}

KIND = Kind(
    name="postgres",
    summary="PostgreSQL 13 and newer: health, vacuum, statistics, compaction and indexes beside a running application",
    settings=PostgresSettings,
    tasks=Apart(__name__, TASKS),
    category="data",
    connect=connect,
    resource=resource,
    store=store,
    discover=discover,
    scalar=lambda server, query: next((row[0] for row in server.run(query)), None),
)
