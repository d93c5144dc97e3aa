"""A server whose log is received by the real program, and what is done with its archive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts, look
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.kinds.postgres.settings import ArchiveSettings, PostgresSettings
from mainstay.model.plan import Skip, Step
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import session_of
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

ROOT = Path(__file__).parents[3]
SETTINGS = {"max_wal_senders": "6", "max_replication_slots": "4", "fsync": "on", "wal_keep_size": "0", "min_wal_size": "32MB"}
CONFIG = """
site: shop
timezone: Europe/Berlin
state: {state}
targets:
  db:
    kind: postgres
    dsn: {dsn}
    programs: {programs}
    archive: {{path: {archive}, slot: "{slot}"}}
"""


@dataclass
class Archived:
    """A server, its archive and its configuration; `receiver` is the process that receives."""

    server: PostgresServer
    folder: Path
    slot: str = "mainstay"
    receiver: subprocess.Popen[bytes] | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def archive(self) -> Archive:
        return Archive(self.folder / "archive")

    @property
    def programs(self) -> Path:
        return usable(self.server, self.folder / "programs")

    @property
    def target(self) -> Target:
        known = ArchiveSettings(self.archive.root, **{"slot": self.slot, "min_free": 0, **self.settings})
        return Target("db", "postgres", PostgresSettings(self.server.dsn(), programs=self.programs, archive=known))

    @property
    def config(self) -> Path:
        path = self.folder / "mainstay.yaml"
        known = {"state": self.folder / "state", "dsn": self.server.dsn(), "programs": self.programs}
        path.write_text(CONFIG.format(archive=self.archive.root, slot=self.slot, **known))
        return path

    def mainstay(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*argv), capture_output=True, text=True, timeout=300, cwd=ROOT, check=False)

    def command(self, *argv: str) -> list[str]:
        return [str(Path(sys.executable).with_name("mainstay")), "--config", str(self.config), *argv]

    def receive(self, *options: str) -> None:
        """Start the receiver, and return when it streams."""
        log = (self.folder / "receiver.log").open("ab")
        self.receiver = subprocess.Popen(
            self.command("wal", "receive", "db", *options), stdout=log, stderr=log, start_new_session=True
        )
        log.close()
        wait_for(lambda: bool(self.server.sql("SELECT 1 FROM pg_replication_slots WHERE active")), self.said)

    def said(self) -> str:
        return (self.folder / "receiver.log").read_text()

    def end_receiver(self, number: int = signal.SIGTERM) -> None:
        if self.receiver:
            with suppress(ProcessLookupError):
                self.receiver.send_signal(number)
            self.receiver.wait(30)
            self.receiver = None

    def caught_up(self) -> None:
        """Return when everything that is committed now is in the archive."""
        wait_for(lambda: self.facts().lag == 0, lambda: f"{self.facts().reader} {self.facts().source} {self.said()}")

    def facts(self) -> ArchiveFacts:
        with session_of(self.target) as session:
            return look(session)

    def switch(self) -> str:
        """Finish a segment, and return its name."""
        self.server.sql("SELECT pg_logical_emit_message(true, 'x', 'y')")
        [(name,)] = self.server.sql("SELECT pg_walfile_name(pg_switch_wal())")
        wait_for(lambda: (self.archive.wal / f"{name}.zst").exists(), lambda: f"{name}: {self.said()}")
        return str(name)

    def now(self) -> datetime:
        [(at,)] = self.server.sql("SELECT clock_timestamp()")
        return at  # type: ignore[no-any-return]

    @contextmanager
    def session(self) -> Iterator[Session]:
        with session_of(self.target) as session:
            yield session

    def plan(self, task: str, run: str = "run-1.db.task", **params: Any) -> list[Step | Skip]:
        kind = registry.load("postgres").task(task)
        with self.session() as session:
            return kind.plan(kind.observe(session), kind.params(**params), run)

    def perform(self, task: str, run: str = "run-1.db.task", **params: Any) -> list[Step]:
        """Do what a task plans, and see that it verifies."""
        kind, steps = registry.load("postgres").task(task), []
        for step in (one for one in self.plan(task, run, **params) if isinstance(one, Step)):
            with self.session() as session:
                before = kind.observe(session, step.on)
                kind.apply(session, step, Deadline(step.deadline))
                assert kind.verify(before, kind.observe(session, step.on), step) is None
            steps.append(step)
        return steps


@contextmanager
def archived(folder: Path, major: int = 15, *, slot: str = "mainstay", **settings: str) -> Iterator[Archived]:
    """Run a server with an archive beside it; nobody receives yet."""
    with postgres_server.server(folder / "server", major, settings={**SETTINGS, **settings}) as server:
        found = Archived(server, folder, slot)
        try:
            yield found
        finally:
            found.end_receiver()


def usable(server: PostgresServer, folder: Path) -> Path:
    """Return a folder of the server's programs that any user of this host can run, those of a chroot by its own loader."""
    binaries = server.binaries
    if not binaries.root:
        return binaries.bin
    if folder.exists():
        return folder
    folder.mkdir(parents=True)
    loader = binaries.root / "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    libraries = ":".join(str(binaries.root / path) for path in ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
    for program in (binaries.root / binaries.bin.relative_to("/")).iterdir():
        script = folder / program.name
        script.write_text(f'#!/bin/sh\nexec {loader} --library-path {libraries} {program} "$@"\n')
        script.chmod(0o755)
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.geteuid() and above.is_relative_to("/tmp"):
            above.chmod(above.stat().st_mode | 0o011)
    return folder


def wait_for(condition: Callable[[], bool], said: Callable[[], str], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, said()
        time.sleep(0.05)
