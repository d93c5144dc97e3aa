"""The limits of a host; each pair is judged alone, and `critical` wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Share, Size

_USED = Setting("used share of a mount's bytes above which it is a finding, as df counts it", ge=0, le=1, example="80%")
_INODES = Setting("used share of a mount's inodes above which it is a finding", ge=0, le=1, example="80%")
_MEMORY = Setting("share of memory that is not available; in a limited container, of its limit", ge=0, le=1, example="85%")
_SWAP = Setting("used share of swap", ge=0, le=1, example="50%")
_CPU = Setting("busy share of all processors over the sampling interval", ge=0, le=1, example="90%")
_LOAD = Setting("runnable and waiting tasks per processor, the average of 5 minutes", ge=0, example="1.5")
_PRESSURE = Setting("share of the last 60 s in which some task waited for this resource", ge=0, le=1, example="30%")
_FILES = Setting("open files as a share of the most that are allowed, for the system and for each process", ge=0, le=1)


@dataclass(frozen=True)
class Settings:
    """One host."""

    disk_used_warning: Annotated[Share, _USED] = Share(0.8)
    disk_used_critical: Annotated[Share, _USED] = Share(0.9)
    disk_free_critical: Annotated[
        Size, Setting("bytes that must be free on every mount, whatever the share; 0 asks for none", ge=0, example="5GB")
    ] = Size(0)
    disk_full_within: Annotated[
        Duration, Setting("a warning when a mount is full within this time at its growth since the previous look", ge=0)
    ] = Duration(86400)
    inodes_used_warning: Annotated[Share, _INODES] = Share(0.8)
    inodes_used_critical: Annotated[Share, _INODES] = Share(0.9)
    memory_used_warning: Annotated[Share, _MEMORY] = Share(0.85)
    memory_used_critical: Annotated[Share, _MEMORY] = Share(0.95)
    swap_used_warning: Annotated[Share, _SWAP] = Share(0.5)
    swap_used_critical: Annotated[Share, _SWAP] = Share(0.8)
    cpu_used_warning: Annotated[Share, _CPU] = Share(0.95)
    cpu_used_critical: Annotated[Share, _CPU] = Share(1.0)
    load_per_core_warning: Annotated[float, _LOAD] = 1.5
    load_per_core_critical: Annotated[float, _LOAD] = 4.0
    cpu_pressure_warning: Annotated[Share, _PRESSURE] = Share(0.5)
    cpu_pressure_critical: Annotated[Share, _PRESSURE] = Share(0.9)
    io_pressure_warning: Annotated[Share, _PRESSURE] = Share(0.3)
    io_pressure_critical: Annotated[Share, _PRESSURE] = Share(0.6)
    memory_pressure_warning: Annotated[Share, _PRESSURE] = Share(0.1)
    memory_pressure_critical: Annotated[Share, _PRESSURE] = Share(0.3)
    files_used_warning: Annotated[Share, _FILES] = Share(0.8)
    files_used_critical: Annotated[Share, _FILES] = Share(0.9)
    interval: Annotated[
        Duration, Setting("how long the processor is watched; a figure since boot would say nothing", ge=0.05, le=60)
    ] = Duration(0.2)
    exclude: Annotated[
        tuple[str, ...], Setting("mount points that are not looked at; * stands for anything, slashes too", example="[/mnt/usb*]")
    ] = (
        "/var/lib/docker/*",
        "/var/lib/containers/*",
        "/var/lib/kubelet/*",
        "/run/user/*",
        "/run/credentials/*",
        "/snap/*",
    )
