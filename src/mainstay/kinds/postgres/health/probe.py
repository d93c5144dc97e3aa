"""What a client waits for a small read and for a small durable write; nothing is changed by either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Probe:
    """How long a client waits. Without a `write` there was nothing to try (`untried` says why), or it `failed`."""

    read: Duration
    write: Duration | None = None
    untried: str = ""
    failed: str = ""


def probe(server: Server, standby: bool) -> Probe:
    """Wait for one row of the catalog, then for a commit that has to reach the disk."""
    read = _median(lambda: server.run(_READ))
    if standby:
        return Probe(read, untried="a standby")
    try:
        return Probe(read, _write(server))
    except Refused as error:
        return Probe(read, untried=error.because)
    except (StepFailed, DeadlinePassed) as error:
        return Probe(read, failed=error.because)


def _write(server: Server) -> Duration:
    from mainstay.kinds.postgres import faults

    with server.connect(**_SETTINGS) as connection, faults.explained(server.name):
        return _median(lambda: connection.execute(_WRITE))


def _median(act: Callable[[], object]) -> Duration:
    return Duration(median(_timed(act) for _ in range(_TIMES)))


def _timed(act: Callable[[], object]) -> float:
    began = clock.monotonic()
    act()
    return clock.monotonic() - began
