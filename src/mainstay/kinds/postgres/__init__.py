"""PostgreSQL servers, cared for while their applications run."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from mainstay.kinds.kind import Kind
from mainstay.kinds.postgres.compaction.compact import Compact
from mainstay.kinds.postgres.discover import discover
from mainstay.kinds.postgres.health.check import Check
from mainstay.kinds.postgres.indexes.drop_invalid_indexes import DropInvalidIndexes
from mainstay.kinds.postgres.indexes.indexes import Indexes
from mainstay.kinds.postgres.indexes.reindex import Reindex
from mainstay.kinds.postgres.integrity.amcheck import Amcheck
from mainstay.kinds.postgres.integrity.counts import Counts
from mainstay.kinds.postgres.orphans.orphans import OrphanedRows
from mainstay.kinds.postgres.performance.performance import Performance
from mainstay.kinds.postgres.performance.statements import Statements
from mainstay.kinds.postgres.planner.analyze import Analyze
from mainstay.kinds.postgres.planner.statistics import Statistics
from mainstay.kinds.postgres.readonly.read_only import ReadOnly
from mainstay.kinds.postgres.recovery.archive import ArchiveCheck
from mainstay.kinds.postgres.recovery.archive_prune import ArchivePrune
from mainstay.kinds.postgres.recovery.archive_verify import ArchiveVerify
from mainstay.kinds.postgres.recovery.base_backup import BaseBackup
from mainstay.kinds.postgres.recovery.prove_recovery import ProveRecovery
from mainstay.kinds.postgres.recovery.recover import Recover
from mainstay.kinds.postgres.schema.schema import Schema
from mainstay.kinds.postgres.sessions.activity import Activity
from mainstay.kinds.postgres.sessions.cancel import Cancel
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.space.bloat import Bloat
from mainstay.kinds.postgres.space.sizes import Sizes
from mainstay.kinds.postgres.tuning.tune import Tune
from mainstay.kinds.postgres.upgrade.upgrade_check import UpgradeCheck
from mainstay.kinds.postgres.upgrade.upgrade_rehearsal import UpgradeRehearsal
from mainstay.kinds.postgres.vacuum.vacuum import Vacuum
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


def _server() -> ModuleType:
    """Import the way to a server, and with it the driver, which only those need who have one."""
    try:
        return importlib.import_module("mainstay.kinds.postgres.server")
    except ImportError as error:
        raise ConfigError("the kind postgres needs the driver psycopg", next="pip install 'mainstay[postgres]'") from error


KIND = Kind(
    name="postgres",
    summary="PostgreSQL 13 and newer: health, vacuum, statistics, compaction and indexes beside a running application",
    settings=PostgresSettings,
    tasks=(
        Check(),
        Activity(),
        Counts(),
        Vacuum(),
        Analyze(),
        Statistics(),
        Bloat(),
        Compact(),
        Reindex(),
        DropInvalidIndexes(),
        Amcheck(),
        Statements(),
        Performance(),
        Sizes(),
        Indexes(),
        Schema(),
        Tune(),
        Cancel(),
        ReadOnly(),
        OrphanedRows(),
        UpgradeCheck(),
        UpgradeRehearsal(),
        ArchiveCheck(),
        ArchiveVerify(),
        BaseBackup(),
        ArchivePrune(),
        ProveRecovery(),
        Recover(),
    ),
    category="data",
    connect=connect,
    resource=resource,
    store=store,
    discover=discover,
    scalar=lambda server, query: next((row[0] for row in server.run(query)), None),
)
