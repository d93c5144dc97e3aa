"""Whether anybody else has a database file open: the kernel says so, and /proc says who, as far as we may look.

A write lease is granted to whoever is alone with a file. While it is held, who opens the file waits, and we can see that somebody
does. Source: fcntl(2), F_SETLEASE.
"""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mainstay.model.errors import Refused
from mainstay.system import clock

_SETTLE = 0.02  # seconds in which one who had found the file before its name was exchanged arrives at our lease


@contextmanager
def alone(path: Path) -> Iterator[Callable[[], bool]]:
    """Refuse when anybody has the file open, and let nobody open it within the block; the function says whether anyone waits."""
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)  # who wants in would send SIGIO, which kills; this one is ignored
        _lease(fd, path)
        yield lambda: _waited_for(fd)
    finally:
        os.close(fd)  # and the lease with it


def _lease(fd: int, path: Path) -> None:
    try:
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except BlockingIOError:
        who = ", ".join(sorted(_holders(os.fstat(fd)))[:5]) or "a process that we may not look into"
        raise Refused("the database is in use", on=str(path), because=f"{who} has it open", next="stop the application") from None
    except OSError as error:
        what, next = "nobody can tell whether the database is in use", "run as root, or swap by hand"
        raise Refused(what, on=str(path), because=f"no lease: {error.strerror}", next=next) from error


def _waited_for(fd: int) -> bool:
    clock.sleep(_SETTLE)
    return fcntl.fcntl(fd, fcntl.F_GETLEASE) != fcntl.F_WRLCK


def _holders(file: os.stat_result) -> Iterator[str]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if _has_open(entry / "fd", file):
                    yield f"pid {entry.name} ({(entry / 'comm').read_text(errors='replace').strip()})"
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it has ended meanwhile, or may not be looked into


def _has_open(folder: Path, file: os.stat_result) -> bool:
    for name in os.listdir(folder):
        try:
            if os.path.samestat(os.stat(folder / name), file):
                return True
        except FileNotFoundError:
            continue  # closed meanwhile
    return False
