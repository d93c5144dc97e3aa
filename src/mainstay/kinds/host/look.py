"""Look at a host: sample over an interval, measure every mount, rank the processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from fnmatch import fnmatch
from typing import Literal

from mainstay.kinds.host.facts import Busy, Disk, Facts, share
from mainstay.kinds.host.settings import Settings
from mainstay.model.errors import DeadlinePassed
from mainstay.model.units import Duration, Share, Size
from mainstay.system import bounded, clock, host

_MOUNT_ANSWERS = Duration(2)
_COMPARABLE = 30.0  # seconds between two looks below which a growth would be noise
_SHOWN = 5


def look(limits: Settings, last: Facts | None) -> Facts:
    """Take one sample; `last` is the previous one, for what can only be seen by comparing."""
    times, (earlier, _) = host.cpu_times(), host.processes()
    began = clock.monotonic()
    clock.sleep(limits.interval)
    used, io_wait, steal = host.cpu_times().since(times)
    later, hidden = host.processes()
    busy = _busy(earlier, later, clock.monotonic() - began)
    at, kills = clock.now(), host.oom_kills()
    disks, silent = _disks(limits, last, at)
    files_open, files_most = host.open_files()
    return Facts(
        at=at,
        limits=limits,
        cores=host.cores(),
        cpu_used=Share(used),
        io_wait=Share(io_wait),
        steal=Share(steal),
        load=os.getloadavg(),
        memory=host.memory(),
        pressure=host.pressure(),
        files_open=files_open,
        files_most=files_most,
        oom_kills=kills,
        new_oom_kills=kills - last.oom_kills if last and kills >= last.oom_kills else None,
        disks=disks,
        silent=silent,
        busiest=_top(busy, lambda one: one.cpu),
        largest=_top(busy, lambda one: one.resident),
        crowded=_top(busy, lambda one: share(one.files, one.files_limit)),
        hidden=hidden,
    )


def _disks(limits: Settings, last: Facts | None, at: datetime) -> tuple[tuple[Disk, ...], tuple[str, ...]]:
    wanted, earlier = host.fstab(), {(disk.path, disk.device): disk for disk in last.disks} if last else {}
    disks: list[Disk] = []
    silent: list[str] = []
    for mount in host.mounts():
        if any(fnmatch(mount.path, pattern) for pattern in limits.exclude):
            continue
        span = (at - last.at).total_seconds() if last else 0.0
        try:
            disk = _disk(mount, wanted.get(mount.path), earlier.get((mount.path, mount.device)), span)
        except (DeadlinePassed, OSError):
            silent.append(mount.path)  # a server that is gone, a stale handle, a daemon that hangs
            continue
        if disk.total:
            disks.append(disk)
    return tuple(disks), tuple(silent)


def _disk(mount: host.Mount, options: frozenset[str] | None, earlier: Disk | None, span: float) -> Disk:
    stat = bounded.within(_MOUNT_ANSWERS, f"statvfs {mount.path}", lambda: os.statvfs(mount.path))
    used = Size((stat.f_blocks - stat.f_bfree) * stat.f_frsize)
    asked: Literal["", "ro", "rw"] = "" if options is None else "ro" if "ro" in options else "rw"
    return Disk(
        path=mount.path,
        device=mount.device,
        fstype=mount.fstype,
        total=Size(stat.f_blocks * stat.f_frsize),
        used=used,
        free=Size(stat.f_bavail * stat.f_frsize),
        inodes=stat.f_files,
        inodes_used=stat.f_files - stat.f_ffree,
        locked=mount.locked,
        frozen=mount.frozen,
        fstab=asked,
        was_writable=earlier.writable if earlier else None,
        growth=(used - earlier.used) / span if earlier and span >= _COMPARABLE else None,
    )


def _busy(earlier: list[host.Process], later: list[host.Process], span: float) -> list[Busy]:
    before = {(process.pid, process.name): process.cpu for process in earlier}
    return [
        Busy(
            pid=process.pid,
            name=process.name,
            cpu=Share(max(0.0, process.cpu - before.get((process.pid, process.name), process.cpu)) / span),
            resident=process.resident,
            files=process.files,
            files_limit=process.files_limit,
        )
        for process in later
    ]


def _top(busy: list[Busy], key: Callable[[Busy], float]) -> tuple[Busy, ...]:
    return tuple(one for one in sorted(busy, key=key, reverse=True)[:_SHOWN] if key(one) > 0)
