"""SQLite databases, cared for while their application runs."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.kind import Kind
from mainstay.kinds.sqlite.check import Check
from mainstay.kinds.sqlite.checkpoint import Checkpoint
from mainstay.kinds.sqlite.database import connect, first_value
from mainstay.kinds.sqlite.discover import discover
from mainstay.kinds.sqlite.integrity import Integrity, QuickCheck
from mainstay.kinds.sqlite.optimize import Optimize
from mainstay.kinds.sqlite.settings import SqliteSettings
from mainstay.kinds.sqlite.snapshot import TakeSnapshot
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.kinds.sqlite.vacuum import Vacuum
from mainstay.model.target import Target


def resource(target: Target) -> str:
    """Identify a database by its real path, whatever link leads to it."""
    return f"sqlite:{Path(target.settings.path).resolve()}"


KIND = Kind(
    name="sqlite",
    summary="SQLite databases: checks, statistics, checkpoints, snapshots and VACUUM beside a running application",
    settings=SqliteSettings,
    tasks=(Check(), Integrity(), QuickCheck(), Optimize(), Checkpoint(), TakeSnapshot(), Vacuum()),
    category="data",
    connect=connect,
    resource=resource,
    store=lambda target, _door: SqliteStore(target.settings.path, target.settings.busy_timeout),
    discover=discover,
    scalar=first_value,
)
