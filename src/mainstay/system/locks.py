"""Locks between processes: flock on files of the state folder, shared or exclusive, inherited by child processes.

The kernel keeps a lock while any process that inherited its descriptor lives, so it outlives a killed Mainstay, or one that
left in a hurry, as long as a child is still at work (flock(2)). Only an orderly end unlocks: what still runs then was meant to,
a daemon that a step has started, say.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from mainstay.model.errors import Refused, StepFailed
from mainstay.model.task import Lock
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import no_space

_POLL = 0.05


@dataclass(frozen=True)
class Held:
    """A lock that is held; `fd` is what children inherit."""

    lock: Lock
    fd: int

    def release(self) -> None:
        """Give it back, unless a child still holds it."""
        os.close(self.fd)


def of_run(run: str) -> str:
    """Name the resource whose lock says that a run has a living owner."""
    return f"run:{run}"


def is_held(folder: Path, resource: str) -> bool:
    """Return whether somebody has a lock for itself."""
    try:
        acquire(folder, Lock(resource, exclusive=False), "look").release()
    except Refused:
        return True
    return False


def path_of(folder: Path, resource: str) -> Path:
    """Return the lock file of a resource."""
    name = quote(resource, safe="")
    return folder / f"{name if len(name) < 200 else hashlib.sha256(name.encode()).hexdigest()}.lock"


def acquire(folder: Path, lock: Lock, owner: str, wait: Duration = Duration(0)) -> Held:
    """Take one lock or raise Refused, which names the owner that has it."""
    path = path_of(folder, lock.resource)
    fd = _open(path)
    until = clock.Deadline(wait)
    while not _try(fd, exclusive=lock.exclusive):
        if not until.left:
            holder = os.pread(fd, 200, 0).decode("utf-8", "replace").strip()
            os.close(fd)
            raise Refused(
                "another run is at work here",
                on=lock.resource,
                because=f"{holder or 'another process'} holds the lock {path.name}" + (f"; waited {wait}" if wait else ""),
                next="wait for it, or look at it with `mainstay runs` and stop it with `mainstay cancel RUN`",
            )
        clock.sleep(_POLL)
    _sign(fd, path, owner)
    return Held(lock, fd)


@contextmanager
def acquire_all(folder: Path, locks: Iterable[Lock], owner: str, wait: Duration = Duration(0)) -> Iterator[tuple[Held, ...]]:
    """Take several locks in the order of their names, so that two runs cannot wait for each other; exclusive wins over shared."""
    wanted: dict[str, Lock] = {}
    for lock in locks:
        if lock.exclusive or lock.resource not in wanted:
            wanted[lock.resource] = lock
    until = clock.Deadline(wait)
    held: list[Held] = []
    try:
        for _, lock in sorted(wanted.items()):
            held.append(acquire(folder, lock, owner, until.left))
        yield tuple(held)
        for one in held:
            fcntl.flock(one.fd, fcntl.LOCK_UN)
    finally:
        for one in reversed(held):
            one.release()


def _open(path: Path) -> int:
    try:
        with no_space(path, Size(4096)):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        because = error.strerror or str(error)
        raise Refused("the lock cannot be taken", on=str(path), because=because, next=f"look at {path.parent}") from error


def _sign(fd: int, path: Path, owner: str) -> None:
    """Write down who has the lock; where the disk is too full for that, give it back."""
    try:
        with no_space(path, Size(4096)):
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{owner} (pid {os.getpid()})\n".encode(), 0)
    except StepFailed:
        os.close(fd)
        raise


def _try(fd: int, *, exclusive: bool) -> bool:
    try:
        fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
