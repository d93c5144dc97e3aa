"""The machine on which a server runs, as far as it can be seen from here: its memory and its disk."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import ClassVar

from mainstay.kinds.kind import Session
from mainstay.model.units import Duration, Share, Size

_SOON = Duration(10)
_GROUPS = "/sys/fs/cgroup"


@dataclass(frozen=True)
class Whereabouts:
    """The process that serves this session, and what the server's settings depend on. `folder` is "" when it may not be seen."""

    sql: ClassVar[str] = "whereabouts"
    extension: ClassVar[str] = ""

    pid: int
    port: int  # of the client, -1 on a socket
    role: str
    database: str
    folder: str
    max_connections: int
    autovacuum_workers: int
    huge_pages: str
    may_reload: bool
    sees_files: bool
    cache_hit: Share | None  # since the statistics were reset


@dataclass(frozen=True)
class Machine:
    """None stands for what cannot be seen from here. `free` is room on the disk of the write-ahead log."""

    memory: Size | None = None
    limited: bool = False  # a control group allows less than the machine has
    rotational: bool | None = None
    free: Size | None = None


def look_machine(session: Session, where: Whereabouts) -> Machine:
    """Look at the machine if the server's process is found on it: a port may lead anywhere."""
    titles = _lines(session, "cat", f"/proc/{where.pid}/cmdline")
    if not titles or not is_title(titles[0], where):
        return Machine()
    total = _total(_lines(session, "cat", "/proc/meminfo"))
    groups = limit_files(_lines(session, "cat", f"/proc/{where.pid}/cgroup"))
    limits = [int(line) for line in _lines(session, "cat", *groups) if line.isdigit()]
    memory = min([total, *limits])
    return Machine(Size(memory), memory < total, _rotational(session, where.folder), _free(session, where.folder))


def is_title(title: str, where: Whereabouts) -> bool:
    """Tell whether a process's title is that of the backend of this session."""
    client = f"({where.port})" if where.port > 0 else " [local]"
    return title.startswith("postgres:") and f" {where.role} {where.database} " in title and client in title


def limit_files(lines: list[str]) -> list[str]:
    """Return where the memory limits of a process may be: of its control group (version 1 or 2) and of all above.

    In a container the own group may be mounted as the root.
    """
    files = []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        own = PurePosixPath(path)
        above = [str(group).rstrip("/") for group in (own, *own.parents)]
        if not controllers:
            files += [f"{_GROUPS}{group}/memory.max" for group in above]
        elif "memory" in controllers.split(","):
            files += [f"{_GROUPS}/memory{group}/memory.limit_in_bytes" for group in above]
    return files


def _total(meminfo: list[str]) -> int:
    return next(int(line.split()[1]) * 1024 for line in meminfo if line.startswith("MemTotal:"))


def _rotational(session: Session, folder: str) -> bool | None:
    """Tell whether the disk turns; None for what is no disk of this machine (overlays, network)."""
    devices = _lines(session, "stat", "-L", "-c", "%d", f"{folder}/pg_wal", folder) if folder else []
    if not devices:
        return None
    device = f"/sys/dev/block/{os.major(int(devices[0]))}:{os.minor(int(devices[0]))}"
    found = _lines(session, "cat", f"{device}/queue/rotational", f"{device}/../queue/rotational")
    return found[0] == "1" if found else None


def _free(session: Session, folder: str) -> Size | None:
    """Return the bytes that are free on the file system of the write-ahead log."""
    found = _lines(session, "stat", "-f", "-c", "%a %S", f"{folder}/pg_wal", folder) if folder else []
    if not found:
        return None
    blocks, size = found[0].split()
    return Size(int(blocks) * int(size))


def _lines(session: Session, *argv: str) -> list[str]:
    """Run a command where the server runs; what it cannot read is missing."""
    printed = session.door.run(list(argv), _SOON).stdout.decode("utf-8", "replace")
    return [line for line in printed.replace("\0", " ").splitlines() if line.strip()]
