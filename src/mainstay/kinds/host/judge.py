"""Compare what was seen with its limits: any pair of them, and a mount with all of its own."""

from __future__ import annotations

from mainstay.kinds.host.facts import Disk, share
from mainstay.kinds.host.settings import Settings
from mainstay.model.because import Because, Finding, Level, because
from mainstay.system.host import ALWAYS_READ_ONLY


def judge(limits: Settings, name: str, on: str, value: float, advice: str = "") -> list[Finding]:
    """Compare with `NAME_critical`, then with `NAME_warning`."""
    for level in (Level.CRITICAL, Level.WARNING):
        param = f"{name}_{level.name.lower()}"
        if value > getattr(limits, param):
            return [Finding(level, on, because(name, value, ">", getattr(limits, param), param), advice)]
    return []


def judge_disk(disk: Disk, limits: Settings) -> list[Finding]:
    """Judge a mount: can it be written, and how much is left; one line of what was seen when all is well."""
    if lost := _lost_writing(disk):
        return [Finding(Level.CRITICAL, disk.path, lost, f"look for errors of {disk.device} in the kernel's log, then fsck")]
    return (_short(disk, limits) if disk.writable else []) or [_room(disk)]


def _short(disk: Disk, limits: Settings) -> list[Finding]:
    left = f"{disk.free} free of {disk.total}, full: {disk.outlook}"
    found = judge(limits, "disk_used", disk.path, disk.used_share, left)
    if disk.inodes:
        free = f"{disk.inodes - disk.inodes_used:,} inodes free of {disk.inodes:,}"
        found += judge(limits, "inodes_used", disk.path, share(disk.inodes_used, disk.inodes), free)
    if disk.free < limits.disk_free_critical:
        short = because("disk_free", disk.free, "<", limits.disk_free_critical, "disk_free_critical")
        found.append(Finding(Level.CRITICAL, disk.path, short, left))
    if disk.full_in is not None and disk.full_in < limits.disk_full_within:
        soon = because("disk_full_in", disk.full_in, "<", limits.disk_full_within, "disk_full_within")
        found.append(Finding(Level.WARNING, disk.path, soon, left))
    return found


def _lost_writing(disk: Disk) -> Because | None:
    """Tell a file system that became read-only from one that was mounted so."""
    if disk.writable or disk.fstype in ALWAYS_READ_ONLY:
        return None
    for unlike, expected in (
        (disk.frozen and not disk.locked, "read-write, as mounted"),
        (disk.fstab == "rw", "read-write, as /etc/fstab says"),
        (disk.was_writable, "read-write, as at the previous look"),
    ):
        if unlike:
            return because("mounted", "read-only", "!=", expected)
    return None


def _room(disk: Disk) -> Finding:
    if not disk.writable:
        return Finding(Level.OK, disk.path, because("mounted", "read-only, as intended"))
    return Finding(Level.OK, disk.path, because("disk", f"{disk.used_share} used, {disk.free} free, full: {disk.outlook}"))
