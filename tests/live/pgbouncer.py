"""A PgBouncer in front of a server of the tests, on loopback and a port of its own, ended by pid."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from tests.live.postgres_server import AS_POSTGRES, PostgresServer

SETTINGS = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
pool_mode = transaction
max_client_conn = 200
default_pool_size = 20
"""


@dataclass(frozen=True)
class PgBouncer:
    """A pooler that runs."""

    port: int

    def dsn(self, database: str = "pgbouncer") -> str:
        """Return the connection string of a database, or of the administration console."""
        return make_conninfo("", host="127.0.0.1", port=self.port, user="postgres", dbname=database)

    def paused(self, database: str) -> bool:
        """Tell whether clients of a database are held back."""
        with psycopg.connect(self.dsn(), autocommit=True, prepare_threshold=None) as console:
            cursor = console.execute("SHOW DATABASES")
            columns = [column.name for column in cursor.description or ()]
            rows: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
        return any(row["name"] == database and str(row["paused"]) == "1" for row in rows)


def missing() -> str:
    """Return what this machine lacks, "" when nothing."""
    return "" if shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin") else "pgbouncer"


@contextmanager
def pooler(server: PostgresServer) -> Iterator[PgBouncer]:
    """Run a pooler in the folder of its server, which the servers' user may enter."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = PgBouncer(probe.getsockname()[1])
    folder = server.folder / f"pooler-{made.port}"
    folder.mkdir(mode=0o755)
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(SETTINGS.format(server=server.port, port=made.port, folder=folder))
    argv = [*(AS_POSTGRES if not os.geteuid() else ()), "pgbouncer", str(folder / "pgbouncer.ini")]
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=environment)
    try:
        _wait(made, process, folder / "pgbouncer.log")
        yield made
    finally:
        process.terminate()
        process.wait(30)


def _wait(made: PgBouncer, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(made.dsn(), autocommit=True).close()
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > until:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.02)
