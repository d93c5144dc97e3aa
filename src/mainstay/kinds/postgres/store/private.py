"""A private PostgreSQL server for untrusted SQL: no network, no address, no privileges, one folder, and gone at the end.

Its processes carry the name of the step in their environment, so that recovery finds and ends what a killed run has left.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system.process import Completed, Door, legible
from mainstay.vault.store import Work

SUPERUSER = "mainstay_scratch"  # no role of the original: its own superuser becomes an ordinary one here
_USER = "postgres"  # a server refuses to run as root
_ASK, _STOP = Duration(15), Duration(60)
_LOCK, _SHORT = ".lock", "mainstay-scratch-"
_CONF = """
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
port = 5432
shared_preload_libraries = '{preloaded}'
fsync = off
full_page_writes = off
synchronous_commit = off
wal_level = minimal
max_wal_senders = 0
archive_mode = off
max_wal_size = 4GB
autovacuum = off
max_locks_per_transaction = 256
max_logical_replication_workers = 0
shared_buffers = 128MB
"""


@dataclass(frozen=True)
class PrivateServer:
    """A server whose programs are in `programs`. `home` and `sockets` are set while it runs."""

    door: Door
    programs: Path
    folder: Path
    preloaded: str
    home: Path = Path()
    remark: str = ""

    @property
    def sockets(self) -> Path:
        """Return the folder of its socket: its path is short, since that of a socket ends at 107 bytes."""
        return Path(tempfile.gettempdir(), _SHORT + hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16])

    def run(self, program: str, arguments: list[str], within: Duration, prefix: list[str] | None = None) -> Completed:
        """Run a program as the server's user."""
        argv = [*(prefix or []), *_as_user(), str(self.programs / program), *arguments]
        return replace(self.door, cwd=self.home).run(argv, within)


def lacking() -> str:
    """Say what this host lacks for a server of its own, "" when nothing."""
    if os.geteuid():
        return ""
    if _USER not in {one.pw_name for one in pwd.getpwall()}:
        return f"there is no user {_USER}, and a server refuses to run as root"
    return "" if shutil.which("setpriv") else "the program setpriv is not there"


@contextmanager
def running(server: PrivateServer, work: Work) -> Iterator[PrivateServer]:
    """Make the cluster, start it, and stop it at the end, also when the work was stopped."""
    with _short_folder(server):
        server = replace(server, home=_home(server))
        data = server.home / "data"
        options = ["--username", SUPERUSER, "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "-D", str(data)]
        server.run("initdb", options, work.deadline.left).require("cannot make a scratch cluster")
        work.pulse()
        with (data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(_CONF.format(sockets=server.sockets, preloaded=server.preloaded))
        try:
            yield _started(server, data, work)
        finally:
            ending = replace(server, door=replace(server.door, stop=lambda: False))
            ending.run("pg_ctl", ["-D", str(data), "-w", "-m", "immediate", "stop"], _STOP)
            shutil.rmtree(data)


def _started(server: PrivateServer, data: Path, work: Work) -> PrivateServer:
    prefix, log = _without_network(server), server.home / "server.log"
    options = ["-D", str(data), "-w", "-t", "600", "-l", str(log), "start"]
    done = server.run("pg_ctl", options, work.deadline.left, prefix)
    if done.code:
        said = " | ".join(legible(log.read_bytes()).splitlines()[-5:]) if log.exists() else legible(done.stderr)
        raise StepFailed(
            "the scratch server does not start", on=str(data), because=said, next="see docs/how-to/back-up-and-restore.md"
        )
    kept = "without network" if prefix else "not cut off from the network: unshare is not permitted here"
    return replace(server, remark=f"proven in a private server of its own, {kept}")


def _without_network(server: PrivateServer) -> list[str]:
    """Return what keeps a program and its children from every network, nothing where that is not permitted."""
    prefix = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-current-user", "--net"]
    if not shutil.which("unshare") or server.door.run([*prefix, "true"], _ASK).code:
        return []
    return prefix


def _as_user() -> list[str]:
    if os.geteuid():
        return []
    user = pwd.getpwnam(_USER)
    who = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *who, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]


def _home(server: PrivateServer) -> Path:
    """Return where the cluster lies: in the folder, or beside its socket when the server's user cannot get into the folder."""
    _hand_over(server.folder)
    able = server.door.run([*_as_user(), "test", "-w", str(server.folder)], _ASK).code == 0
    return server.folder if able else server.sockets


def _hand_over(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam(_USER)
        os.chown(folder, user.pw_uid, user.pw_gid)


@contextmanager
def _short_folder(server: PrivateServer) -> Iterator[None]:
    """Make the short folder, locked as long as this process lives; those of killed ones, whose lock is free, go first.

    The lock gets its name when it is held, so that nobody sweeps a folder that is being made.
    """
    for lock in Path(tempfile.gettempdir()).glob(f"{_SHORT}*/{_LOCK}"):
        with suppress(FileNotFoundError), lock.open() as file:  # somebody else may be sweeping, too
            if _locked(file.fileno()):
                shutil.rmtree(lock.parent)
    server.sockets.mkdir(mode=0o700)
    _hand_over(server.sockets)
    try:
        with (new := server.sockets / f"{_LOCK}.new").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            new.rename(server.sockets / _LOCK)
            yield
    finally:
        shutil.rmtree(server.sockets)


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
