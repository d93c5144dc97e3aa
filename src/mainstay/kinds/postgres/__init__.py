"""PostgreSQL servers, cared for while their applications run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mainstay.kinds.kind import Kind
from mainstay.kinds.postgres.analyze import Analyze
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.errors import ConfigError
from mainstay.model.target import Target
from mainstay.system.process import Door

if TYPE_CHECKING:
    from mainstay.kinds.postgres.server import Server


@contextmanager
def connect(target: Target, door: Door) -> Iterator[Server]:
    """Open a target's server; the driver is imported here and not before."""
    try:
        from mainstay.kinds.postgres import server
    except ImportError as error:
        raise ConfigError("the kind postgres needs the driver psycopg", next="pip install 'mainstay[postgres]'") from error
    with server.connect(target, door) as opened:
        yield opened


def resource(target: Target) -> str:
    """Identify a server by host and port, whatever database or user the connection names."""
    from mainstay.kinds.postgres.server import parameters

    known = parameters(target.settings)
    return f"postgres:{known.get('service') or known.get('hostaddr') or known.get('host', '')}:{known.get('port', 5432)}"


KIND = Kind(
    name="postgres",
    summary="PostgreSQL 13 and newer: health, vacuum, statistics, compaction and indexes beside a running application",
    settings=PostgresSettings,
    tasks=(Analyze(),),
    category="data",
    connect=connect,
    resource=resource,
)
