"""Receive the log of a server as it is written: pg_receivewal at a slot, begun again whenever it ends, and never with a gap.

pg_receivewal goes on where the newest file in its folder ends, so that folder always keeps one; finished segments are packed
into the archive, and go from there only when a newer one lies beside them. What it had not finished it asks for again: the
slot makes the server keep it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import faults, programs
from mainstay.kinds.postgres.recovery import packing, segments
from mainstay.kinds.postgres.recovery.facts import configured
from mainstay.kinds.postgres.recovery.folder import Archive, store
from mainstay.kinds.postgres.recovery.taking import needed
from mainstay.kinds.postgres.server import Server
from mainstay.kinds.postgres.statement import statement
from mainstay.model.errors import Cancelled, ConfigError, DeadlinePassed, MainstayError, Refused
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system import clock, process
from mainstay.system.clock import Deadline
from mainstay.system.files import sync_folder
from mainstay.system.process import Door

_AGAIN = Duration(5)  # between two attempts
_PACKS = 0.5  # seconds between two looks for finished segments
_ONE = Duration(7 * 86400)  # then pg_receivewal is begun anew
_ASK = Duration(60)
_DROP = statement("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %(slot)s")


@dataclass(frozen=True)
class Receiver:
    """Receives for one target until `stop` says so; `say` gets a line whenever something happens."""

    target: Target
    stop: Callable[[], bool]
    say: Callable[[str], None]
    synchronous: bool = False
    from_now: bool = False  # begin at the server's present position, and accept that log is missing before

    def run(self) -> None:
        """Receive until stopped; whatever goes wrong is said, and tried again."""
        settings = configured(Session(self.target, Door()))
        if not settings.slot:
            raise ConfigError(f"{self.target.name}: `archive.slot` is empty", next="name a slot, or use archive_command")
        archive = Archive(settings.path).make()
        with _alone(archive):
            process.end_tagged(self._tag)
            begin_anew = self.from_now
            while not self.stop():
                try:
                    if begin_anew:
                        self._begin_anew(archive, settings.slot)
                        begin_anew = False
                    self._receive(archive, settings.slot)
                except Cancelled:
                    break
                except DeadlinePassed:
                    continue
                except MainstayError as error:
                    self.say(str(error))
                    self._pause()
            pack_finished(archive)
            self.say(f"stopped; received up to {_newest(archive)}")

    @property
    def _tag(self) -> str:
        return f"receive/{self.target.settings.archive.path}"

    def _begin_anew(self, archive: Archive, slot: str) -> None:
        """Forget the slot and what pg_receivewal would go on from; what was received is kept."""
        server = Server(self.target, tag=self._tag)
        try:
            with server.connect() as connection, faults.explained(f"slot {slot}"):
                connection.execute(_DROP.text.encode(), {"slot": slot})
        finally:
            server.close()
        _give_up(archive)

    def _receive(self, archive: Archive, slot: str) -> None:
        """Stream until the connection ends, and pack meanwhile."""
        halted = False
        door = Door(tag=self._tag, stop=lambda: halted or self.stop())
        argv, environment = self._prepare(archive, door, slot)
        self.say(f"receiving at slot {slot} into {archive.root}, from {_newest(archive)} on")
        with ThreadPoolExecutor(1) as pool:
            streaming = pool.submit(door.run, argv, _ONE, env=environment)
            try:
                while not streaming.done():
                    pack_finished(archive)
                    wait([streaming], _PACKS)
            finally:
                halted = True
            streaming.result().require("the connection has ended")

    def _prepare(self, archive: Archive, door: Door, slot: str) -> tuple[list[str], dict[str, str]]:
        """Make slot and folder ready, and return the command with its environment."""
        server = Server(self.target, door.place, door.tag)
        try:
            session = Session(self.target, door, server)
            program = needed(session, "pg_receivewal", server.identity().major)
            environment = programs.reaching(session, "postgres")
            common = [program.path, "--slot", slot, "--no-password"]
            door.run([*common, "--create-slot", "--if-not-exists"], _ASK, env=environment).require("the slot cannot be made")
        finally:
            server.close()
        if not self.from_now:
            seed(archive)
        more = ["--synchronous"] if self.synchronous else []
        return [*common, "-D", str(archive.receiving), "--no-loop", "--status-interval=1", *more], environment

    def _pause(self) -> None:
        until = Deadline(_AGAIN)
        while until.left and not self.stop():
            clock.sleep(0.1)


def push(target: Target, path: Path) -> None:
    """Archive one file for the server's archive_command: durable when it returns, and never over a different one."""
    if not segments.ARCHIVED.fullmatch(path.name):
        raise Refused("this is no file of the log", on=path.name, next="archive_command = 'mainstay wal push TARGET %p'")
    store(Archive(configured(Session(target, Door())).path).make(), path, path.name)


def pack_finished(archive: Archive) -> None:
    """Pack what pg_receivewal has finished; a packed segment goes when it is not the newest file any more."""
    names = sorted(path.name for path in archive.receiving.iterdir())
    newest = max((name[8:24] for name in names if segments.SEGMENT.match(name)), default="")
    for name in names:
        if segments.SEGMENT.fullmatch(name) or segments.HISTORY.fullmatch(name):
            store(archive, archive.receiving / name, name)
        if segments.SEGMENT.fullmatch(name) and name[8:24] < newest:
            (archive.receiving / name).unlink()


def seed(archive: Archive) -> None:
    """Where pg_receivewal has no file left to go on from, give it the newest segment of the archive."""
    if any(segments.SEGMENT.match(path.name) for path in archive.receiving.iterdir()):
        return
    packed = [
        path
        for path in archive.wal.glob(f"*{packing.SUFFIX}")
        if segments.SEGMENT.fullmatch(path.name.removesuffix(packing.SUFFIX))
    ]
    newest = max(packed, key=lambda path: (path.name[8:24], path.name), default=None)
    if newest is None:
        return
    part = archive.receiving / f".{newest.name}.part"
    with packing.unpacked(newest) as file, part.open("wb") as out:
        while chunk := file.read(1 << 20):
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    os.utime(part, ns=(newest.stat().st_atime_ns, newest.stat().st_mtime_ns))
    part.rename(archive.receiving / newest.name.removesuffix(packing.SUFFIX))
    sync_folder(archive.receiving)


def _give_up(archive: Archive) -> None:
    """Move everything that was received into the archive, an unfinished segment under its own name."""
    pack_finished(archive)
    for path in list(archive.receiving.iterdir()):
        if segments.ARCHIVED.fullmatch(path.name):
            store(archive, path, path.name)
        path.unlink()


@contextmanager
def _alone(archive: Archive) -> Iterator[None]:
    """Hold the lock of a receiver, which is kept as long as this process lives."""
    fd = os.open(archive.root / "receiver.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise Refused(
            "somebody receives already", on=str(archive.root), because="its lock is held", next="stop the other one"
        ) from error
    finally:
        os.close(fd)


def _newest(archive: Archive) -> str:
    names = [path.name for path in (*archive.wal.iterdir(), *archive.receiving.iterdir()) if segments.SEGMENT.match(path.name)]
    return max(names, key=lambda name: name[8:24], default="the server's present position")
