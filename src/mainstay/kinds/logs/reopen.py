"""Telling a writer to open its log anew, and seeing that it has let go of the old file. A signal that would kill is refused."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mainstay.kinds.kind import Session
from mainstay.kinds.logs.settings import Reopen
from mainstay.kinds.logs.writers import Opened, Writer, handles, of, scan
from mainstay.model.errors import StepFailed, Unreachable
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.process import Door

_LOOK = Duration(10)
_POLL = 0.05


@dataclass(frozen=True)
class Reach:
    """Whom a reopening reaches: the processes to signal, or why it cannot be done."""

    pids: tuple[int, ...] = ()
    why_not: str = ""


def reach(door: Door, reopen: Reopen) -> Reach:
    """Find the processes to signal and see that each of them handles the signal."""
    if reopen.command:
        return Reach()
    try:
        pids = _pids(door, reopen)
        deaf = [pid for pid in pids if not _handled(door, pid, reopen.signal)]
    except Unreachable as error:
        return Reach(why_not=error.because)
    if deaf:
        return Reach(why_not=f"pid {deaf[0]} on {door.place} has no handler for {reopen.signal}: it would be killed or ignore it")
    return Reach(pids)


def ask(session: Session, reopen: Reopen, pids: Iterable[int]) -> None:
    """Send the signal or run the command; StepFailed when a process has lost its handler since it was looked at."""
    if reopen.command:
        session.door.run(reopen.command, reopen.within).require("the command to reopen logs failed")
    for pid in pids:
        if not _handled(session.door, pid, reopen.signal):
            raise StepFailed("not signalled", on=f"process {pid}", because=f"it has no handler for {reopen.signal}")
        session.door.signal(pid, signal.Signals[f"SIG{reopen.signal}"])


def wait(session: Session, paths: Iterable[str], within: clock.Deadline) -> None:
    """Wait until nobody writes to the old files any more; StepFailed names who still does."""
    while still := _holders(paths):
        if not within.left:
            path, writer = still[0]
            raise StepFailed(
                "a writer has not reopened its log",
                on=path,
                because=f"{writer} still writes to it after {within.allowed}; nothing is lost, its lines are there",
                next="look at how this program reopens its log: another signal, or append_only",
            )
        session.pulse(within)
        clock.sleep(_POLL)


def _holders(paths: Iterable[str]) -> list[tuple[str, Writer]]:
    """Return who writes to which of these files."""
    opened = scan()
    return [(path, writer) for path in paths if os.path.exists(path) for writer in _of(path, opened)]


def _of(path: str, opened: Opened) -> tuple[Writer, ...]:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return of(fd, opened)
    finally:
        os.close(fd)


def _pids(door: Door, reopen: Reopen) -> tuple[int, ...]:
    if reopen.pid:
        return (reopen.pid,)
    if reopen.pid_file:
        return (_number(_read(door, reopen.pid_file), reopen.pid_file),)
    if door.place.container:
        raise Unreachable("no process", because="a process is found by name on this host only: use pid or pid_file")
    found = {pid: parent for pid, parent, names in _processes() if reopen.process in names}
    if not found:
        raise Unreachable("no process", because=f"no process is named {reopen.process}")
    return tuple(sorted(pid for pid, parent in found.items() if parent not in found))


def _number(text: str, path: Path) -> int:
    if not text.strip().isdigit():
        raise Unreachable("no process", because=f"{path} holds no process number")
    return int(text)


def _handled(door: Door, pid: int, name: str) -> bool:
    return handles(_read(door, Path(f"/proc/{pid}/status")), signal.Signals[f"SIG{name}"])


def _read(door: Door, path: Path) -> str:
    done = door.run(("cat", str(path)), _LOOK)
    if done.code:
        raise Unreachable("cannot read", on=str(path), because=f"cannot read {path} on {door.place}")
    return done.stdout.decode("utf-8", "replace")


def _processes() -> list[tuple[int, int, tuple[str, ...]]]:
    """Return process, parent and the names that people know it by."""
    found: list[tuple[int, int, tuple[str, ...]]] = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")[0].decode("utf-8", "replace")
            status = (folder / "stat").read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        comm, parent = status[status.index("(") + 1 : status.rindex(")")], int(status.rpartition(")")[2].split()[1])
        found.append((int(folder.name), parent, (comm, Path(command.split(":")[0]).name)))
    return found
