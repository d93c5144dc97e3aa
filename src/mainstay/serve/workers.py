"""The children of the service: one for each thing that is under way, and a bound on how many runs there are at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from mainstay.model.units import Duration
from mainstay.system import children, clock
from mainstay.system.children import Child

_LOOK_EVERY = 0.05


@dataclass(frozen=True)
class Reader:
    """Somebody who reads what a child prints: at the other end of a descriptor, in so many columns; also its errors, or not."""

    fd: int
    columns: int = 80
    errors: bool = True


@dataclass
class Worker:
    """One child: what it is at work on, whether that is a run, and by when it has to be done."""

    name: str
    child: Child
    is_run: bool
    deadline: clock.Deadline | None = None


@dataclass
class Workers:
    """All children that live; safe to share between threads. Names are unique: what is under way is not started again."""

    _alive: dict[str, Worker] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def start(
        self, name: str, words: Sequence[str], *, most: int = 0, within: Duration | None = None, to: Reader | None = None
    ) -> Child | None:
        """Start a child, or return None while one of that name lives, or as many runs as there may be (`most`, 0 = no run)."""
        with self._lock:
            self._take_away()
            runs = sum(worker.is_run for worker in self._alive.values())
            if self._closed or name in self._alive or (most and runs >= most):
                return None
            child = _started(words, to)
            self._alive[name] = Worker(name, child, bool(most), clock.Deadline(within) if within else None)
            return child

    def has(self, name: str) -> bool:
        """Return whether a child of that name lives."""
        with self._lock:
            self._take_away()
            return name in self._alive

    def ended(self, child: Child) -> int | None:
        """Return how a child ended, or None while it lives."""
        with self._lock:
            return child.poll()

    def look_after(self) -> list[str]:
        """Take what has ended off the process table, end what is late, and return the names of that."""
        late = []
        with self._lock:
            self._take_away()
            for worker in self._alive.values():
                if worker.deadline and not worker.deadline.left:
                    worker.child.signal(signal.SIGKILL)
                    late.append(worker.name)
        return late

    def stop(self, within: Duration) -> list[str]:
        """Ask every child to stop, once, and kill what has not ended in time; return the names of those."""
        with self._lock:
            self._closed = True
            for worker in self._alive.values():
                worker.child.signal(signal.SIGTERM)
        killed = [] if self._all_gone(within) else [worker.name for worker in self._alive.values()]
        for worker in self._alive.values():
            worker.child.signal(signal.SIGKILL)
        self._all_gone(Duration(1))
        return killed

    def _all_gone(self, within: Duration) -> bool:
        until = clock.Deadline(within)
        while True:
            with self._lock:
                self._take_away()
                if not self._alive or not until.left:
                    return not self._alive
            clock.sleep(_LOOK_EVERY)

    def _take_away(self) -> None:
        for name in [name for name, worker in self._alive.items() if worker.child.poll() is not None]:
            del self._alive[name]


def _started(words: Sequence[str], to: Reader | None) -> Child:
    if to is None:
        return children.start(words, {})
    env = {"COLUMNS": str(to.columns), "NO_COLOR": "1"}
    return children.start(words, env, output=to.fd, errors=to.fd if to.errors else None)
