"""How one store reaches its server: connections, and PostgreSQL's own programs, all with the same pinned settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from threading import Event
from typing import IO, BinaryIO

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.programs import Program
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.server import Connection, Server, milliseconds
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.store.crew import side_by_side
from mainstay.kinds.postgres.store.pipes import feed, pour
from mainstay.model.errors import Cancelled, MainstayError, Refused, StepFailed, Unreachable
from mainstay.model.target import Target
from mainstay.system.process import Completed, Door, legible
from mainstay.vault.store import Work

# What decides how a value looks as text, or whether a row is seen: the same for every dump, restore and digest.
_TEXT = {
    "datestyle": "ISO",
    "timezone": "UTC",
    "intervalstyle": "postgres",
    "extra_float_digits": "3",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "lc_monetary": "C",
    "search_path": "pg_catalog",
    "row_security": "off",
    "quote_all_identifiers": "off",
    "synchronize_seqscans": "off",  # an unchanged table is the same stream
}
# As many processes as there are jobs, and no more: others live on this server.
_PACE = {"jit": "off", "max_parallel_workers_per_gather": "0", "max_parallel_maintenance_workers": "0"}
_LOADING = {**_PACE, "synchronous_commit": "off", "maintenance_work_mem": "256MB", "default_transaction_read_only": "off"}
_PATIENCE = "30s"  # behind somebody who waits for an exclusive lock, which the dump itself holds back
_TELLING = re.compile(r"(?:ERROR|FATAL|PANIC|error|fatal):\s*(.*)|^(?:CONTEXT:\s*)?(COPY [^,]*, line \d+)")
_FASTER = "SELECT 1 FROM pg_settings WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals) AND source = 'default'"
_PLAIN = "SELECT pg_encoding_to_char(encoding) = 'SQL_ASCII' FROM pg_database WHERE datname = %s"
PSQL = ("psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-f", "-")


class Client:
    """The way to one server for one piece of work. Programs are run in threads; `stop` ends all of them."""

    def __init__(self, target: Target, door: Door, work: Work) -> None:
        self.stop, self.work, self._asked = Event(), work, door.stop
        self.settings: PostgresSettings = target.settings
        self.server = Server(target, door.place, door.tag)
        self.session = Session(target, replace(door, stop=self.stop.is_set), self.server)
        self._programs: dict[str, Program] = {}
        self._encodings: dict[str, str] = {}

    @cached_property
    def identity(self) -> Identity:
        """What the server and this role are."""
        return self.server.identity()

    @property
    def contained(self) -> bool:
        """Whether programs run in a container, where no path of this host leads."""
        return bool(self.session.door.place.container)

    @cached_property
    def _loading(self) -> dict[str, str]:
        """Settings of what fills a database. Long values take a third of the time with lz4; what an operator has set stays."""
        return {**_LOADING, **({"default_toast_compression": "lz4"} if self.server.run(_FASTER) else {})}

    def pulse(self) -> None:
        """Ask, on the thread that owns the work, whether to go on."""
        self.work.pulse()
        self.work.deadline.check("stopped", on=self.session.target.name)
        if self._asked():
            raise Cancelled("stopped", on=self.session.target.name, because="the run was cancelled")

    def together(self, jobs: Iterable[Callable[[], object]]) -> None:
        """Do jobs side by side; what a failed one left at the server is ended as well."""
        try:
            side_by_side(jobs, self.settings.backup.jobs, self.stop, self.pulse)
        except MainstayError:
            with suppress(Unreachable):  # a server that is gone has no sessions
                self.server.end_others(self.server.pids)
            raise

    def connect(self, database: str = "", **parameters: str) -> Connection:
        """Open a connection that has all the time of the work; the caller closes it."""
        known = {**_TEXT, **self._limits(), **_PACE, **parameters}
        return self.server.connect(database, **known)

    def program(self, name: str) -> Program:
        """Find a program; Refused where it is not."""
        if name not in self._programs:
            found = programs.find(self.session, name)
            if found is None:
                raise Refused(
                    f"the program {name} is not there",
                    on=str(self.session.door.place),
                    next="install the client programs of the server's version, or set `programs`",
                )
            self._programs[name] = found
        return self._programs[name]

    def run(self, argv: Sequence[str], database: str, stdin: bytes | IO[bytes] | None = None) -> bytes:
        """Run a program that changes a database, and return what it prints; StepFailed when it fails."""
        return _require(self._run(argv, self._env(database, self._loading), stdin=stdin), argv[0], database).stdout

    def attempt(self, argv: Sequence[str], database: str) -> None:
        """Run a program that changes a database as far as it can."""
        self._run(argv, self._env(database, self._loading))

    def ask(self, script: str, database: str) -> list[list[str]]:
        """Run a script of queries in psql, and return the fields of each row."""
        done = self._run(PSQL, self._env(database, _PACE), stdin=script.encode())
        return [line.split("\t") for line in _require(done, "psql", database).stdout.decode().splitlines()]

    def print_into(self, stream: BinaryIO, argv: Sequence[str], database: str, script: str = "") -> int:
        """Run a program whose output is a stream, and return how many bytes it has printed."""
        environment = self._env(database, _PACE)
        done, printed = pour(lambda end: self._run(argv, environment, stdin=script.encode() or None, stdout=end), stream)
        _require(done, argv[0], database)
        return printed

    def read_from(self, pieces: Iterator[bytes], argv: Sequence[str], database: str) -> None:
        """Run a program whose input comes in pieces: what it does with less than all of them must not count."""
        environment = self._env(database, self._loading)
        _require(feed(lambda end: self._run(argv, environment, stdin=end), pieces), argv[0], database)

    def _run(
        self,
        argv: Sequence[str],
        environment: dict[str, str],
        stdin: bytes | IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> Completed:
        placed = [self.program(argv[0]).path, *argv[1:]]
        return self.session.door.run(placed, self.work.deadline.left, env=environment, stdin=stdin, stdout=stdout)

    def _env(self, database: str, more: dict[str, str]) -> dict[str, str]:
        """Return the environment of a program; names and rows go as UTF-8, or as they are where the server knows no encoding."""
        environment = programs.reaching(self.session, database, **_TEXT, **self._limits(), **more)
        return {**environment, "PGCLIENTENCODING": self._encoding(database)}

    def _encoding(self, database: str) -> str:
        if database not in self._encodings:
            [(plain,)] = self.server.run(_PLAIN, database)
            self._encodings[database] = "SQL_ASCII" if plain else "UTF8"
        return self._encodings[database]

    def _limits(self) -> dict[str, str]:
        version = self.identity.version
        return {
            "statement_timeout": milliseconds(self.work.deadline.left),
            "lock_timeout": _PATIENCE,
            "idle_in_transaction_session_timeout": "0",
            "client_min_messages": "warning",
            **({"idle_session_timeout": "0", "client_connection_check_interval": "2s"} if version >= 140_000 else {}),
            **({"transaction_timeout": "0"} if version >= 170_000 else {}),
        }


@contextmanager
def reached(target: Target, door: Door, work: Work) -> Iterator[Client]:
    """Open the way to a server."""
    client = Client(target, door, work)
    try:
        yield client
    finally:
        client.server.close()


def _require(done: Completed, name: str, database: str) -> Completed:
    """Raise unless the exit code is 0; of what it says only errors, and the line of a COPY, are told: the rest may hold rows."""
    if done.code:
        told = [found[1] or found[2] for line in legible(done.stderr).splitlines() if (found := _TELLING.search(line))]
        because = "; ".join(dict.fromkeys(told[:3])) or f"exit code {done.code}"
        raise StepFailed(f"{name} failed", on=f"database {database}", because=because)
    return done
