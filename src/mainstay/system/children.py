"""Children of a process that lives long: this same program, started beside it, watched without waiting, ended by signal.

They get a session of their own, so that a Ctrl-C at the terminal of their parent is its to pass on, and they start with no signal
blocked or ignored, whatever the parent does with its own. posix_spawn(3) is safe beside threads, which fork(2) is not.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PROGRAM = (sys.executable, "-P", "-m", "mainstay.cli")
_OF_THE_PARENT = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")


@dataclass
class Child:
    """A child process; `code` is None while it lives, and negative where a signal ended it."""

    pid: int
    code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, or None; what has ended is taken off the process table."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def signal(self, number: int) -> None:
        """Send it a signal; its own children, which have sessions of their own, are its to end."""
        if self.poll() is None:
            os.kill(self.pid, number)


def start(words: Sequence[str], env: Mapping[str, str], output: int | None = None, errors: int | None = None) -> Child:
    """Start this program with those words; the descriptors get what it prints, else it goes where this process prints."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_THE_PARENT}
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    actions += [(os.POSIX_SPAWN_DUP2, fd, stream) for stream, fd in ((1, output), (2, errors)) if fd is not None]
    pid = os.posix_spawn(
        PROGRAM[0],
        [*PROGRAM, *words],
        {**environment, **env},
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE),
    )
    return Child(pid)
