"""What a look at a host shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay.kinds.host.settings import Settings
from mainstay.model.units import Duration, Share, Size
from mainstay.system.host import Memory, Pressure


def share(part: float, whole: float) -> Share:
    """Return a part of a whole; 0 of nothing."""
    return Share(part / whole) if whole > 0 else Share(0)


@dataclass(frozen=True)
class Disk:
    """One mount. `growth` is in bytes a second since the previous look, None when there was none to compare with.

    locked, frozen   read-only by the mount's own option; by the file system below it
    fstab            what /etc/fstab asks for; "" when it does not name the mount
    """

    path: str
    device: str
    fstype: str
    total: Size
    used: Size
    free: Size  # to an ordinary user
    inodes: int
    inodes_used: int
    locked: bool = False
    frozen: bool = False
    fstab: Literal["", "ro", "rw"] = ""
    was_writable: bool | None = None
    growth: float | None = None

    @property
    def used_share(self) -> Share:
        """The used share as df counts it: what is reserved for root is neither used nor free."""
        return share(self.used, self.used + self.free)

    @property
    def writable(self) -> bool:
        """True unless the mount or the file system below it is read-only."""
        return not (self.locked or self.frozen)

    @property
    def full_in(self) -> Duration | None:
        """The time until it is full at its present growth; None when it does not grow, or nobody knows yet."""
        return Duration(self.free / self.growth) if self.growth and self.growth > 0 else None

    @property
    def outlook(self) -> str:
        """Say in words when it will be full."""
        if self.growth is None:
            return "not known yet"
        return f"in {self.full_in}" if self.full_in is not None else "not growing"


@dataclass(frozen=True)
class Busy:
    """A process that uses much: the share of one processor over the interval, memory, and descriptors."""

    pid: int
    name: str
    cpu: Share
    resident: Size
    files: int
    files_limit: int


@dataclass(frozen=True)
class Facts:
    """One look at a host; `limits` are the settings that it is judged by."""

    at: datetime
    limits: Settings
    cores: float
    cpu_used: Share
    io_wait: Share
    steal: Share
    load: tuple[float, float, float]
    memory: Memory
    pressure: dict[str, Pressure]
    files_open: int
    files_most: int
    oom_kills: int  # since boot
    new_oom_kills: int | None  # since the previous look
    disks: tuple[Disk, ...]
    silent: tuple[str, ...]  # mounts that do not answer
    busiest: tuple[Busy, ...]  # by processor time
    largest: tuple[Busy, ...]  # by memory
    crowded: tuple[Busy, ...]  # by descriptors, relative to the limit
    hidden: int  # processes that we may not look into

    @property
    def load_per_core(self) -> float:
        """The average of 5 minutes, for each processor that may be used."""
        return self.load[1] / self.cores if self.cores > 0 else self.load[1]
