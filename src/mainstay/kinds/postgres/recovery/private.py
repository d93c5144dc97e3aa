"""A server over a recovered data directory: reached by us alone through a socket in a closed folder, and reaching nobody."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.pg_upgrade import Owner, sockets
from mainstay.kinds.postgres.recovery.taking import here
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.system.process import Completed, legible

if TYPE_CHECKING:
    import psycopg

_PORT = "5432"  # part of the socket's name, and of nothing else
_STOPS = Duration(300)
_SAME = {  # what a recovery has to allow at least, by its name in pg_controldata
    "max_connections setting": "max_connections",
    "max_worker_processes setting": "max_worker_processes",
    "max_prepared_xacts setting": "max_prepared_transactions",
    "max_locks_per_xact setting": "max_locks_per_transaction",
    "track_commit_timestamp setting": "track_commit_timestamp",
}
_ALONE = {
    "config_file": "/dev/null",
    "ident_file": "/dev/null",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": _PORT,
    "ssl": "off",
    "archive_mode": "off",
    "hot_standby": "off",  # nobody is let in before the target is reached
    "restore_command": "false",  # the log lies in pg_wal already
    "recovery_target_action": "promote",
    "primary_conninfo": "",
    "synchronous_standby_names": "",
    "max_wal_senders": "0",
    "wal_level": "replica",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "autovacuum": "off",
    "huge_pages": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "lc_messages": "C",
}


@dataclass(frozen=True)
class Cluster:
    """A data directory, the programs of its version, the role that it has, and who owns it."""

    owner: Owner
    data: Path
    programs: Path
    installer: str


def owner(session: Session, user: str, folder: Path) -> Owner:
    """Give a folder, and one for its sockets, to the user who runs the server: `user` when we are root, else ourselves."""
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        try:
            uid, gid = pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid
        except KeyError as error:
            raise StepFailed(
                "a server cannot run as root", because=f"there is no user {user}", next="set `archive.user`"
            ) from error
    sockets(folder).mkdir(mode=0o700)
    for one in (folder, sockets(folder)) if os.geteuid() == 0 else ():
        os.chown(one, uid, gid)
    return Owner(here(session).door, uid, gid, folder)


def clear(folder: Path) -> None:
    """Remove a folder and that of its sockets."""
    for left in (sockets(folder), folder):
        if left.exists():
            shutil.rmtree(left)


@contextmanager
def running(session: Session, cluster: Cluster, settings: Mapping[str, str], deadline: Deadline) -> Iterator[None]:
    """Run the server, and return when it has recovered and takes statements; `settings` go over those that keep it alone."""
    hba = cluster.owner.folder / "hba.conf"
    hba.write_text("local all all trust\n", encoding="utf-8")
    hba.chmod(0o644)  # the folder is closed to others
    known = {**_controlled(cluster, deadline), **_ALONE, "hba_file": str(hba)}
    known = {**known, "unix_socket_directories": str(cluster.owner.sockets), **settings}
    argv = [str(cluster.programs / "postgres"), "-D", str(cluster.data)]
    argv += [part for name, value in known.items() for part in ("-c", f"{name}={value}")]
    with ThreadPoolExecutor(1) as pool:
        server = pool.submit(cluster.owner.run, argv, deadline.left)
        try:
            _await(session, cluster, server, deadline)
            yield
        finally:
            _stop(cluster, server)


@contextmanager
def connected(cluster: Cluster, database: str) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    """Connect to a database of the running server."""
    import psycopg
    from psycopg.conninfo import make_conninfo

    where = make_conninfo("", host=str(cluster.owner.sockets), port=_PORT, user=cluster.installer, dbname=database)
    with psycopg.connect(where, autocommit=True, connect_timeout=10, client_encoding="utf8") as connection:
        yield connection


def reaching(cluster: Cluster) -> list[str]:
    """Return the options by which PostgreSQL's programs reach the running server."""
    return ["-h", str(cluster.owner.sockets), "-p", _PORT, "-U", cluster.installer]


def _controlled(cluster: Cluster, deadline: Deadline) -> dict[str, str]:
    """Return the settings that the cluster was running with, as its control file knows them."""
    argv = [str(cluster.programs / "pg_controldata"), str(cluster.data)]
    said = legible(cluster.owner.run(argv, deadline.left, LC_ALL="C").require("the control file cannot be read").stdout)
    lines = dict(line.split(":", 1) for line in said.splitlines() if ":" in line)
    return {name: lines[key].strip() for key, name in _SAME.items() if key in lines}


def _await(session: Session, cluster: Cluster, server: Future[Completed], deadline: Deadline) -> None:
    while not _recovered(cluster):
        session.pulse(deadline)
        if server.done():
            raise StepFailed("the recovery failed", on=str(cluster.data), because=_last_words(server.result()))
        clock.sleep(0.1)


def _recovered(cluster: Cluster) -> bool:
    import psycopg

    try:
        with connected(cluster, "postgres") as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    except psycopg.OperationalError:
        return False  # it still recovers, and lets nobody in


def _stop(cluster: Cluster, server: Future[Completed]) -> None:
    """End the server, and return when it has written everything down."""
    until, file = Deadline(_STOPS), cluster.data / "postmaster.pid"
    while not server.done():
        if file.exists() and (said := file.read_text().split()):
            cluster.owner.door.signal(int(said[0]), signal.SIGINT)
        until.check("the recovered server does not stop", on=str(cluster.data))
        clock.sleep(0.1)


def _last_words(done: Completed) -> str:
    lines = [line for line in legible(done.stderr).splitlines() if "FATAL" in line or "PANIC" in line or "ERROR" in line]
    return " | ".join(lines[-3:]) or f"exit code {done.code}: {legible(done.stderr)[-300:]}"
