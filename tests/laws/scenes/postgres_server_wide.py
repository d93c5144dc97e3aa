"""A server whose settings do not fit its machine, and one with a session that takes too long."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from mainstay.kinds.postgres.readonly.read_only import ReadOnlyParams
from mainstay.kinds.postgres.sessions.cancel import CancelParams
from mainstay.kinds.postgres.settings import Application
from mainstay.kinds.postgres.tuning.sizing import TuneParams
from mainstay.model.units import Duration, Size
from tests.laws.scene import Scene
from tests.laws.scenes.postgres_database import scene
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

FINE = {"effective_io_concurrency": "200", "max_wal_size": "'8GB'", "effective_cache_size": "'700MB'"}


def tune(folder: Path) -> Scene:
    """Two settings of the shared server are far from what is asked for; one has been set before."""
    made = scene("tune", TuneParams(apply=True, memory=Size(10**9), storage="ssd", min_wal_size=Size(64 * 1024**2)))
    server = postgres_server.shared()
    server.sql("ALTER SYSTEM RESET ALL")
    for name, value in {**FINE, "random_page_cost": "3"}.items():
        server.sql(f"ALTER SYSTEM SET {name} = {value}")
    reload(server)

    def close() -> None:
        server.sql("ALTER SYSTEM RESET ALL")
        reload(server)
        made.close()

    return replace(made, close=close)


def cancel(folder: Path) -> Scene:
    """An application's statement runs and runs."""
    made = scene("cancel", CancelParams(longer_than=Duration(0), users=("slow_*",)))
    server, role = postgres_server.shared(), f"slow_{secrets.token_hex(4)}"
    server.sql(f"CREATE ROLE {role} LOGIN")
    connection = psycopg.connect(make_conninfo(made.target.settings.dsn, user=role), autocommit=True)
    connection.pgconn.send_query(b"SELECT pg_sleep(600)")
    connection.pgconn.flush()
    wait_until(lambda: server.sql("SELECT pid FROM pg_stat_activity WHERE usename = %s AND state = 'active'", role) != [])

    def close() -> None:
        connection.close()
        made.close()
        server.sql(f"DROP ROLE {role}")

    return replace(made, close=close)


def read_only(folder: Path) -> Scene:
    """An application may write."""
    made = scene("read_only", ReadOnlyParams(drain=Duration(0.2)))
    server, role = postgres_server.shared(), f"shop_{secrets.token_hex(4)}"
    server.sql(f"CREATE ROLE {role} LOGIN")
    settings = replace(made.target.settings, applications=(Application(role),))

    def contents() -> object:
        return server.sql("SELECT setconfig FROM pg_db_role_setting WHERE setrole = %s::regrole", role)

    def close() -> None:
        made.close()
        server.sql(f"DROP ROLE {role}")

    return replace(made, target=replace(made.target, settings=settings), contents=contents, close=close)


def reload(server: PostgresServer) -> None:
    """Let a server read its files, and return when new sessions start with what they say."""
    ((before,),) = server.sql("SELECT pg_conf_load_time()")
    server.sql("SELECT pg_reload_conf()")
    wait_until(lambda: server.sql("SELECT pg_conf_load_time()") != [(before,)])


def wait_until(true: Callable[[], bool]) -> None:
    """Return when something is so; give up after ten seconds."""
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


SCENES: dict[str, Callable[[Path], Scene]] = {"tune": tune, "cancel": cancel, "read_only": read_only}
