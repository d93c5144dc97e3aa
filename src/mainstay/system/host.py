"""The door to this host: processor, memory, pressure, mounts and processes, from /proc, cgroups and psutil.

Sources: proc(5), Documentation/accounting/psi.rst, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from mainstay.model.units import Size

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
FSTAB = Path("/etc/fstab")
# File systems that hold no files of anybody; tmpfs and overlay can fill up and are not among them.
_NO_FILES = (
    "autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl fuse.lxcfs fuse.portal hugetlbfs "
    "mqueue nsfs proc pstore ramfs rpc_pipefs securityfs selinuxfs sysfs tracefs"
)
PSEUDO = frozenset(_NO_FILES.split())
ALWAYS_READ_ONLY = frozenset({"squashfs", "iso9660", "erofs", "cramfs", "romfs", "udf"})
# After an error ext4 writes `ro` on older kernels, and `emergency_ro` beside `rw` on those since 6.14.
_FROZEN = frozenset({"ro", "emergency_ro", "shutdown"})
_NO_LIMIT = 1 << 60  # cgroup v1 writes "no limit" as the largest multiple of a page
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class CpuTimes:
    """Ticks since boot, over all processors; only the difference of two readings says anything about now."""

    busy: int
    io_wait: int
    steal: int
    total: int

    def since(self, earlier: CpuTimes) -> tuple[float, float, float]:
        """Return the shares of busy, waiting for I/O, and stolen by the hypervisor."""
        span = max(1, self.total - earlier.total)
        return (
            min(1.0, (self.busy - earlier.busy) / span),
            min(1.0, max(0, self.io_wait - earlier.io_wait) / span),  # iowait may go back (proc(5))
            min(1.0, (self.steal - earlier.steal) / span),
        )


@dataclass(frozen=True)
class Memory:
    """Main memory and swap; `limited` is True when the limit is that of the container we are in."""

    total: Size
    used: Size
    swap_total: Size
    swap_used: Size
    limited: bool = False


@dataclass(frozen=True)
class Pressure:
    """The share of time in which some task waited for a resource, over the last 10 and 60 seconds."""

    avg10: float
    avg60: float


@dataclass(frozen=True)
class Mount:
    """A mounted file system. `locked` is read-only by the mount's own option, `frozen` by the file system below it."""

    path: str
    device: str
    fstype: str
    locked: bool
    frozen: bool


@dataclass(frozen=True)
class Process:
    """A process: processor seconds since its start, resident bytes, open descriptors and its soft limit on them."""

    pid: int
    name: str
    cpu: float
    resident: Size
    files: int
    files_limit: int


def cpu_times(proc: Path = PROC) -> CpuTimes:
    """Read the processor's ticks; guest time is already part of user time (proc(5))."""
    first = (proc / "stat").read_text(encoding="ascii").split("\n", 1)[0]
    user, nice, system, idle, io_wait, irq, softirq, steal = (int(part) for part in first.split()[1:9])
    busy = user + nice + system + irq + softirq + steal
    return CpuTimes(busy, io_wait, steal, busy + idle + io_wait)


def cores(cgroup: Path = CGROUP) -> float:
    """Return how many processors' worth of time we may use: those of the host, or less in a limited container."""
    here = float(psutil.cpu_count() or 1)
    quota, period = _cpu_quota(cgroup)
    return min(here, quota / period) if quota > 0 else here


def memory(proc: Path = PROC, cgroup: Path = CGROUP) -> Memory:
    """Read memory and swap; in a container with a limit below the host's memory, the limit is what counts."""
    values = dict(_meminfo(proc))
    total, free = values["MemTotal"], values["MemAvailable"]
    swap, swap_free = Size(values["SwapTotal"]), Size(values["SwapFree"])
    limit, used = _memory_limit(cgroup)
    if 0 < limit < total:
        return Memory(Size(limit), Size(used), swap, Size(swap - swap_free), limited=True)
    return Memory(Size(total), Size(total - free), swap, Size(swap - swap_free))


def pressure(proc: Path = PROC) -> dict[str, Pressure]:
    """Read the stall figures of cpu, io and memory; those that the kernel does not keep are missing."""
    found: dict[str, Pressure] = {}
    for name in ("cpu", "io", "memory"):
        try:
            some = (proc / "pressure" / name).read_text(encoding="ascii").split("\n", 1)[0]
        except OSError:
            continue  # built without PSI, or switched off at boot (EOPNOTSUPP)
        averages = dict(part.split("=") for part in some.split()[1:])
        found[name] = Pressure(float(averages["avg10"]) / 100, float(averages["avg60"]) / 100)
    return found


def open_files(proc: Path = PROC) -> tuple[int, int]:
    """Return the open files of the whole system and the most that it allows."""
    used, _, most = (proc / "sys/fs/file-nr").read_text(encoding="ascii").split()
    return int(used), int(most)


def oom_kills(proc: Path = PROC) -> int:
    """Return how many processes the kernel has killed for want of memory since boot."""
    counters = dict(line.split() for line in (proc / "vmstat").read_text(encoding="ascii").splitlines())
    return int(counters.get("oom_kill", 0))


def mounts(proc: Path = PROC) -> list[Mount]:
    """Return every mounted file system that holds files, once per device; a mount that hides another counts, not the hidden."""
    visible: dict[str, tuple[str, Mount]] = {}
    for line in (proc / "self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        number, mount = _mount(line)
        visible[mount.path] = (number, mount)
    once: dict[str, Mount] = {}
    for number, mount in sorted(visible.values(), key=lambda seen: (len(seen[1].path), seen[1].path)):
        if mount.fstype not in PSEUDO and not mount.path.startswith(("/proc/", "/sys/")):
            once.setdefault(number, mount)
    return list(once.values())


def fstab(file: Path = FSTAB) -> dict[str, frozenset[str]]:
    """Return the options that /etc/fstab asks for, by mount point."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    rows = [line.split() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return {_unescaped(row[1]): frozenset(row[3].split(",")) for row in rows if len(row) > 3}


def processes() -> tuple[list[Process], int]:
    """Return the processes that can be looked into, and how many cannot (they belong to others, and we are not root)."""
    seen: list[Process] = []
    hidden = 0
    for process in psutil.process_iter():
        try:
            seen.append(_process(process))
        except psutil.AccessDenied:
            hidden += 1
        except psutil.NoSuchProcess:
            continue
    return seen, hidden


def files_in_use(proc: Path = PROC) -> tuple[frozenset[tuple[int, int]], int]:
    """Return device and inode of every file that a process has open, and how many processes cannot be looked into."""
    used: set[tuple[int, int]] = set()
    hidden = 0
    for entry in proc.iterdir():
        if entry.name.isdigit():
            try:
                used.update(_opened(entry / "fd"))
            except PermissionError:
                hidden += 1
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended meanwhile
    return frozenset(used), hidden


def _opened(folder: Path) -> Iterator[tuple[int, int]]:
    for name in os.listdir(folder):
        try:
            stat = os.stat(folder / name)
        except FileNotFoundError:
            continue  # closed meanwhile
        yield stat.st_dev, stat.st_ino


def _process(process: psutil.Process) -> Process:
    with process.oneshot():
        times = process.cpu_times()
        limit = process.rlimit(psutil.RLIMIT_NOFILE)[0]
        return Process(
            process.pid,
            process.name(),
            times.user + times.system,
            Size(process.memory_info().rss),
            process.num_fds(),
            max(0, limit),  # -1 is "no limit", which is 0 here
        )


def _meminfo(proc: Path) -> Iterator[tuple[str, int]]:
    for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        yield name, int(rest.split()[0]) * (1024 if rest.endswith("kB") else 1)


def _memory_limit(cgroup: Path) -> tuple[int, int]:
    """Return limit and use of the cgroup that is the root of what we see; 0 where there is no limit.

    On a bare host that root has no limit, in a container it is the container. The cgroup of this very process would be wrong:
    a limit on Mainstay's own service says nothing about the host. Inactive file cache is given back under need and not counted.
    """
    for limit, usage, stat, inactive in (
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file"),
    ):
        most = _number(cgroup / limit)
        if 0 < most < _NO_LIMIT:
            cache = dict(line.split() for line in (cgroup / stat).read_text(encoding="ascii").splitlines())
            return most, max(0, _number(cgroup / usage) - int(cache.get(inactive, 0)))
    return 0, 0


def _cpu_quota(cgroup: Path) -> tuple[int, int]:
    try:
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        return (0 if quota == "max" else int(quota)), int(period)
    except FileNotFoundError:
        return _number(cgroup / "cpu/cpu.cfs_quota_us"), max(1, _number(cgroup / "cpu/cpu.cfs_period_us"))


def _number(path: Path) -> int:
    """Read a number; 0 where there is no such file or it says `max`."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return 0
    return 0 if text == "max" else int(text)


def _mount(line: str) -> tuple[str, Mount]:
    left, _, right = line.partition(" - ")
    fields, (fstype, device, options) = left.split(" "), right.split(" ")[:3]
    path, locked = _unescaped(fields[4]), "ro" in fields[5].split(",")
    return fields[2], Mount(path, _unescaped(device), fstype, locked, not _FROZEN.isdisjoint(options.split(",")))


def _unescaped(text: str) -> str:
    """Turn `\\040` back into a blank, as mountinfo and fstab write it."""
    return _OCTAL.sub(lambda match: chr(int(match.group(1), 8)), text)
