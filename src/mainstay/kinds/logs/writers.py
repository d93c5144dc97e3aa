"""Who has a file open for writing, seen in /proc (containers of this host included), and whether a process handles a signal."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mainstay.model.errors import StepFailed

Inode = tuple[int, int]  # device, inode


@dataclass(frozen=True)
class Writer:
    """A process that has a file open for writing."""

    pid: int
    name: str = ""
    append: bool = True

    def __str__(self) -> str:
        if not self.pid:
            return "a process that we may not look into"
        return f"pid {self.pid}" + (f" ({self.name})" if self.name else "")


HIDDEN = Writer(0, append=False)
Opened = dict[Inode, tuple[Writer, ...]]


def scan() -> Opened:
    """Look into all processes that we may look into; return who writes to which file."""
    found: dict[Inode, dict[int, Writer]] = {}
    for pid in _pids():
        try:
            for inode, writer in _of(pid):
                known = found.setdefault(inode, {}).get(pid, writer)
                found[inode][pid] = Writer(pid, writer.name, known.append and writer.append)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue  # it has ended meanwhile, or we may not look into it: see `of`
    return {inode: tuple(by_pid.values()) for inode, by_pid in found.items()}


def of(fd: int, opened: Opened) -> tuple[Writer, ...]:
    """Return who writes to a file that we have open for reading; HIDDEN where the kernel knows of somebody whom /proc hides."""
    seen = os.fstat(fd)
    return opened.get((seen.st_dev, seen.st_ino)) or (() if nobody_writes(fd) else (HIDDEN,))


def nobody_writes(fd: int) -> bool:
    """Ask the kernel, by a read lease on a descriptor opened for reading, whether anyone has the file open for writing.

    True as well where leases are not to be had (another user's file, a network file system): then /proc has to do. A writer
    that comes meanwhile would send us SIGIO, which kills by default; SIGURG is ignored by default. Source: fcntl(2).
    """
    fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True


def refuse_open(fd: int, path: Path) -> None:
    """Raise StepFailed when anybody has the file open for writing; the descriptor is open for reading."""
    if known := of(fd, scan()):
        raise StepFailed(
            "left alone", on=str(path), because=f"{known[0]} has it open for writing", next="it is taken the next time"
        )


def handles(status: str, number: int) -> bool:
    """Read in /proc/PID/status whether a signal is caught, or blocked and so waited for; else it kills or is lost."""
    masks = {name: int(value, 16) for name, _, value in (line.partition(":") for line in status.splitlines()) if name in _MASKS}
    return any(mask >> (number - 1) & 1 for mask in masks.values())


_MASKS = ("SigCgt", "SigBlk")


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _of(pid: int) -> Iterator[tuple[Inode, Writer]]:
    name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            seen = os.stat(f"/proc/{pid}/fd/{number}")
            flags = _flags(pid, number)
        except (FileNotFoundError, ProcessLookupError):
            continue  # closed meanwhile
        if flags & os.O_ACCMODE:
            yield (seen.st_dev, seen.st_ino), Writer(pid, name, bool(flags & os.O_APPEND))


def _flags(pid: int, number: str) -> int:
    lines = Path(f"/proc/{pid}/fdinfo/{number}").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))
