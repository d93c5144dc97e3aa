"""Tell a service manager how this process stands: sd_notify(3), datagrams to the socket that NOTIFY_SOCKET names."""

from __future__ import annotations

import os
import socket

from mainstay.model.units import Duration
from mainstay.system import clock

READY, STOPPING, WATCHDOG = "READY=1", "STOPPING=1", "WATCHDOG=1"
_PATIENCE = 1.0


def tell(*states: str) -> None:
    """Send states such as `READY=1`; without a manager that listens, do nothing."""
    where = os.environ.get("NOTIFY_SOCKET", "")
    if not where:
        return
    address = f"\0{where[1:]}" if where.startswith("@") else where  # an abstract name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as way:
        way.settimeout(_PATIENCE)
        try:
            way.sendto("\n".join(states).encode(), address)
        except OSError:
            return  # the manager is gone or busy; whoever waits for a word has a deadline of its own


def reloading() -> str:
    """Return the state that says that the configuration is being read anew, and since when by CLOCK_MONOTONIC."""
    return f"RELOADING=1\nMONOTONIC_USEC={int(clock.monotonic() * 1_000_000)}"


def watchdog() -> Duration | None:
    """Return how often the manager wants to hear `WATCHDOG=1` from this process, or None."""
    wanted, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not wanted.isdigit() or (pid and pid != str(os.getpid())):
        return None
    return Duration(int(wanted) / 1_000_000)
