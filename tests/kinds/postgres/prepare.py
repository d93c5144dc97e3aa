"""Change a database so that its counters know of it: a server counts rows late."""

from __future__ import annotations

import time

from tests.kinds.postgres.conftest import Database


def prepare(database: Database, statements: str) -> None:
    """Run statements, and return when the session that ran them has ended and what it changed is counted."""
    with database.connect() as connection:
        connection.execute(statements.encode())
        pid = connection.info.backend_pid
    until = time.monotonic() + 10
    while database.sql("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) != [(0,)]:
        assert time.monotonic() < until
        time.sleep(0.01)
    if database.server.major < 15:
        time.sleep(1.1)  # the collector writes what it knows twice a second
