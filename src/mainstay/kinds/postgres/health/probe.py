"""What a client waits for a small read and for a small durable write; nothing is changed by either."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING

from mainstay.model.errors import DeadlinePassed, Refused, StepFailed
from mainstay.model.units import Duration
from mainstay.system import clock

if TYPE_CHECKING:
    from mainstay.kinds.postgres.server import Server

_TIMES = 3  # the median of so many: one may meet a checkpoint
_READ = "SELECT relname FROM pg_catalog.pg_class WHERE oid = 'pg_catalog.pg_class'::regclass"
# What the savepoint holds is taken back, so nobody who decodes the log is told. The transaction around it has a number and has
# written to the log, so its commit waits for the disk as that of any other does.
_WRITE = """
BEGIN READ WRITE; SAVEPOINT probe; SELECT pg_catalog.pg_logical_emit_message(true, 'mainstay', 'probe');
ROLLBACK TO SAVEPOINT probe; COMMIT
"""
_SETTINGS = {"synchronous_commit": "on", "statement_timeout": "5s"}  # a commit may wait for a replica that is gone, without end


def read_latency(server: Server) -> Duration:
    """Return how long a client waits for one row of the catalog."""
    return _median(lambda: server.run(_READ))


def write_latency(server: Server) -> tuple[Duration | None, str]:
    """Return how long a commit takes that has to reach the disk, or why there is none."""
    from mainstay.kinds.postgres import faults

    try:
        with server.connect(**_SETTINGS) as connection, faults.explained(server.name):
            return _median(lambda: connection.execute(_WRITE)), ""
    except (Refused, StepFailed, DeadlinePassed) as error:
        return None, error.because


def _median(act: Callable[[], object]) -> Duration:
    return Duration(median(_timed(act) for _ in range(_TIMES)))


def _timed(act: Callable[[], object]) -> float:
    began = clock.monotonic()
    act()
    return clock.monotonic() - began
