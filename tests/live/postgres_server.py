"""PostgreSQL servers of any version in folders of the tests: on loopback, on a port of their own, ended by pid."""

from __future__ import annotations

import atexit
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

MAJORS = (13, 14, 15, 16, 17, 18)
EXTENSIONS = ("pgstattuple", "amcheck", "pg_stat_statements", "pg_repack")
DEBIAN = "usr/lib/postgresql/{}/bin"
CACHE = Path(
    os.environ.get("PG_CACHE") or Path(__file__).parents[2] / ".cache" / "postgres"
).resolve()  # filled by tools/postgres_versions.py
STOP = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}

# Servers refuse root. They end with the thread that started them, so a test run that is killed leaves none behind.
AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=QUIT")
# The mounts are seen by this process alone and go with it. Paths below the temporary folder are the same inside and outside.
ENTER = """
root=$1 temporary=$2; shift 2
mkdir -p "$root$temporary"
for place in /proc /dev "$temporary"; do mount --rbind "$place" "$root$place"; done
for users in /etc/passwd /etc/group; do mount --bind "$users" "$root$users"; done
exec chroot "$root" "$@"
"""
DEFAULTS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "max_prepared_transactions": "5",
    "wal_level": "replica",
    "autovacuum_naptime": "1d",  # the dead rows that a test makes stay until it vacuums
}
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Binaries:
    """Where the programs of one version lie. With `root` they run in that chroot, and `bin` is a path inside it."""

    major: int
    bin: Path
    root: Path | None = None

    def has(self, program: str) -> bool:
        """Tell whether a program is there: the smallest packages have no clients."""
        return os.path.lexists(self._outside(self.bin) / program)

    def has_library(self, name: str) -> bool:
        """Tell whether a module that a server can load is there."""
        return any(self._outside(self.bin.parent / "lib").rglob(f"{name}.so"))

    def argv(self, program: str, *options: str) -> list[str]:
        """Return the command that runs a program as the user postgres; without root, as who we are."""
        called = [str(self.bin / program), *options]
        if os.geteuid():
            return called
        return [*self._enter(), *AS_POSTGRES, *called]

    def outside(self, folder: Path) -> Path:
        """Return the folder of the programs as they can be called from anywhere: for a chroot, scripts that enter it."""
        if not self.root:
            return self.bin
        folder.mkdir(parents=True)
        for program in self._outside(self.bin).iterdir():
            script = folder / program.name
            script.write_text(f'#!/bin/sh\nexec {shlex.join(self._enter())} {self.bin / program.name} "$@"\n')
            script.chmod(0o755)
        return folder

    def run(self, program: str, *options: str, timeout: float = 120) -> str:
        """Run a program to its end, which has to be a good one, and return what it printed."""
        done = subprocess.run(self.argv(program, *options), capture_output=True, text=True, timeout=timeout, cwd="/", check=False)
        assert done.returncode == 0, f"{program}: {done.stderr}{done.stdout}"
        return done.stdout

    def _enter(self) -> list[str]:
        if not self.root:
            return []
        return ["unshare", "--mount", "sh", "-euc", ENTER, "enter", str(self.root), str(_temporary())]

    def _outside(self, path: Path) -> Path:
        return self.root / path.relative_to("/") if self.root else path


def find(major: int) -> Binaries | None:
    """Return the programs of a version: of this machine, of a chroot in the cache, or of a package unpacked there."""
    place, cached = DEBIAN.format(major), CACHE / str(major)
    if (Path("/") / place / "postgres").exists():
        return Binaries(major, Path("/") / place)
    if (cached / place / "postgres").exists():
        return Binaries(major, Path("/") / place, cached)
    return Binaries(major, cached / "bin") if (cached / "bin" / "postgres").exists() else None


@cache
def missing(major: int = 15) -> str:
    """Return what this machine lacks for servers of a version, "" when nothing."""
    binaries = find(major)
    if not binaries:
        return "postgresql-15" if major == 15 else f"PostgreSQL {major}: make postgres-versions"
    if binaries.root and os.geteuid():
        return f"root, for the chroot of PostgreSQL {major}"
    if not os.geteuid() and not shutil.which("setpriv"):
        return "setpriv"
    tried = subprocess.run(
        binaries.argv("postgres", "--version"), capture_output=True, text=True, timeout=60, cwd="/", check=False
    )
    refused = f"PostgreSQL {major}, which the user postgres cannot run (may all enter {CACHE}?): {tried.stderr.strip()}"
    return refused if tried.returncode else ""


@dataclass
class PostgresServer:
    """A server whose cluster is `folder`/data; it answers on 127.0.0.1:`port` while it is started."""

    binaries: Binaries
    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    process: subprocess.Popen[bytes] | None = None

    @property
    def major(self) -> int:
        """The major version."""
        return self.binaries.major

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The postmaster's process."""
        assert self.process, "the server is stopped"
        return self.process.pid

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the connection string of a database."""
        return make_conninfo("", host="127.0.0.1", port=self.port, user=user, dbname=database)

    def connect(self, database: str = "postgres", user: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection in autocommit mode; use it in a `with`."""
        return psycopg.connect(self.dsn(database, user), autocommit=True)

    def sql(self, statement: str, *values: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run statements on a connection of their own and return what the (first) one yields."""
        with self.connect(database) as connection:
            cursor = connection.execute(statement.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str, template: str = "template1") -> None:
        """Create a database."""
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))

    def extend(self, database: str = "template1") -> None:
        """Create those of EXTENSIONS that this version has; in template1, databases made later have them too."""
        with self.connect(database) as connection:
            found = connection.execute("SELECT name FROM pg_available_extensions WHERE name = ANY (%s)", (list(EXTENSIONS),))
            for (name,) in found.fetchall():
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))

    def start(self) -> None:
        """Start it and return when it answers. It ends with the calling thread."""
        assert self.process is None, "the server runs"
        _let_in(self.folder)
        with (self.folder / "server.log").open("ab") as log:
            argv = self.binaries.argv("postgres", "-D", str(self.data))
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        self.wait()

    def wait(self, seconds: float = 60, of: str = "SELECT 1") -> None:
        """Return when a query yields rows; when it does not in time, end the server and raise with the end of its log."""
        until = time.monotonic() + seconds
        while not self._yields(of):
            if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                self.stop("immediate")
                raise AssertionError(self.log()[-2000:])
            time.sleep(0.02)

    def stop(self, mode: str = "fast") -> None:
        """End it as `pg_ctl stop -m` would, and wait for that; one that is stopped already stays so."""
        if self.process:
            self.process.send_signal(STOP[mode])
            self.process.wait(60)
            self.process = None

    def kill_backend(self, pid: int) -> None:
        """End a process of the server by SIGKILL, and return when the server, which then ends all others, has recovered."""
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists():  # not yet noticed by the postmaster
            time.sleep(0.005)
        self.wait()

    def log(self) -> str:
        """Return what the server has written to its log."""
        return (self.folder / "server.log").read_text(errors="replace")

    def configure(self, settings: Mapping[str, str]) -> None:
        """Add settings to postgresql.conf, where ALTER SYSTEM can still override them; the last one of a name counts."""
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{name} = {_quoted(value)}\n" for name, value in settings.items())

    @contextmanager
    def standby(self, folder: Path) -> Iterator[PostgresServer]:
        """Run a hot standby that streams from this server; its name there is `walreceiver`."""
        assert self.binaries.has("pg_basebackup"), f"PostgreSQL {self.major} has no pg_basebackup here"
        other = PostgresServer(self.binaries, _own(folder))
        self.binaries.run("pg_basebackup", "-d", self.dsn(), "-D", str(other.data), "--write-recovery-conf", "--checkpoint=fast")
        other.configure({"port": str(other.port)})
        with _running(other):
            other.wait(of="SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming'")
            yield other

    def _yields(self, query: str) -> bool:
        try:
            return bool(self.sql(query))
        except psycopg.OperationalError:  # nobody listens yet, or it recovers
            return False


@contextmanager
def server(
    folder: Path, major: int = 15, *, settings: Mapping[str, str] = NOTHING, initdb: Sequence[str] = ()
) -> Iterator[PostgresServer]:
    """Run a server of a version below a folder of the temporary one; its superuser is postgres, who needs no password.

    `settings` go over DEFAULTS into postgresql.conf; `initdb` are more options for making the cluster.
    """
    binaries = find(major)
    assert binaries, missing(major)
    made = PostgresServer(binaries, _own(folder))
    subprocess.run(["cp", "-a", "--reflink=auto", _template(binaries, tuple(initdb)), made.data], check=True)
    preloaded = {"shared_preload_libraries": "pg_stat_statements"} if binaries.has_library("pg_stat_statements") else {}
    own = {"port": str(made.port), "unix_socket_directories": str(_scratch())}
    made.configure({**DEFAULTS, **preloaded, **own, **settings})
    with _running(made):
        yield made


@cache
def shared(major: int = 15) -> PostgresServer:
    """Return a server that this process keeps to its end; new databases on it have the extensions."""
    kept = ExitStack()
    made = kept.enter_context(server(_scratch() / f"shared-{major}", major))
    atexit.register(kept.close)
    made.extend()
    return made


@contextmanager
def _running(stopped: PostgresServer) -> Iterator[None]:
    stopped.start()
    try:
        yield
    finally:
        stopped.stop("immediate")


@cache
def _template(binaries: Binaries, options: tuple[str, ...]) -> Path:
    """Make a cluster once, to be copied."""
    data = Path(tempfile.mkdtemp(dir=_scratch())) / "data"
    _own(data.parent)
    common = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
    binaries.run("initdb", "-D", str(data), *common, *options)
    return data


@cache
def _scratch() -> Path:
    """Return a folder of this process for templates and sockets, whose paths have to be short."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _own(folder)


def _own(folder: Path) -> Path:
    """Make a folder that belongs to the user of the servers."""
    folder.mkdir(parents=True, exist_ok=True)
    if not os.geteuid():
        shutil.chown(folder, "postgres", "postgres")
    _let_in(folder)
    return folder


def _let_in(folder: Path) -> None:
    """Let other users pass the folders above, which are those of the tests: pytest closes them to all but their owner."""
    for above in folder.resolve().parents:
        if above.is_relative_to(_temporary()):
            above.chmod(above.stat().st_mode | 0o011)


def _temporary() -> Path:
    return Path(tempfile.gettempdir()).resolve()


def _free_port() -> int:
    """Return a port below those that the system hands out by itself: a stopped server finds its own free again."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
