"""How one target is dumped, loaded and compared: the seam between the vault and the kinds.

A dump is a set of named streams. What is stored, how, and where it goes is the vault's; what the streams mean is the kind's.
No method ever writes to the live place but `swap`, which exchanges names and destroys nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeGuard

from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline

Pulse = Callable[[], None]  # raises when the work has to stop


class Work:
    """The time that a piece of work has, and whom it tells how far it is.

    `check` is called with all bytes that have moved, on the thread that made this object, and raises to stop the work.
    """

    def __init__(self, deadline: Deadline, check: Callable[[int], None] = lambda _: None) -> None:
        self.deadline, self._check = deadline, check
        self._done, self._lock, self._owner = 0, threading.Lock(), threading.get_ident()

    def moved(self, bytes: int) -> None:
        """Count bytes, from any thread."""
        with self._lock:
            self._done += bytes
        self.pulse()

    def pulse(self) -> None:
        """Call this in every long loop; nothing happens on another thread than the one that made this object."""
        if threading.get_ident() == self._owner:
            self._check(self._done)


def unhurried(check: Callable[[int], None] = lambda _: None) -> Work:
    """Return work that has a day of time."""
    return Work(Deadline(Duration(86_400)), check)


@dataclass(frozen=True)
class Dump:
    """What a dump says of itself, taken in the same snapshot: what is counted, digests of content, and versions."""

    counts: dict[str, int] = field(default_factory=dict)  # rows by table, files by folder
    digests: dict[str, str] = field(default_factory=dict)  # order-free digest of content, by the same names
    versions: dict[str, str] = field(default_factory=dict)  # of the server and its tools
    notes: tuple[str, ...] = ()  # what was left out, or changed while it was read; of a copy: what was checked
    extra: dict[str, Any] = field(default_factory=dict)  # JSON values


@dataclass(frozen=True)
class Hindrance:
    """Something that stands in the way of a dump: what, whose, for how long; whether a dump waits for it, or what is too long."""

    what: str
    who: str
    age: Duration
    blocks: bool = False
    limit: Duration | None = None


class Sink(Protocol):
    """Where the streams of a dump go."""

    work: Work

    @property
    def folder(self) -> Path:
        """Return a private, empty folder for what has to lie in a file first; its room counts in `Store.estimate`."""

    def stream(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a stream for writing. Several may be open at once, each in a thread of its own.

        Names are those of the vault's objects (`vault.names.ObjectName`) and stay the same from one backup to the next, so that
        a stream finds the one it changed from. An error inside the block forgets the stream.
        """


class Source(Protocol):
    """The streams of one backup, and what its manifest says (`counts`, `digests`, `versions`, `extra`)."""

    work: Work

    @property
    def dump(self) -> Dump:
        """Return what the dump said of itself."""

    @property
    def folder(self) -> Path:
        """Return a private, empty folder."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the streams, sorted."""

    def stream(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a stream for reading; `Damaged` while it is read when it is not what was stored. Threads as in Sink."""


class Store(Protocol):
    """How one target is dumped and loaded. A place is a path, a database, a server: whatever its kind restores into."""

    @property
    def kind(self) -> str:
        """Return the name of the kind that can load what this store dumped."""

    def estimate(self) -> int:
        """Return the bytes that the streams of a dump are expected to have."""

    def dump(self, sink: Sink) -> Dump:
        """Write one consistent copy as streams."""

    def beside(self, name: str) -> str:
        """Return the place next to the live one that carries this name."""

    def half_made(self, place: str, id: str) -> str:
        """Return where that which will be called `place` is built from the backup `id`; nobody takes it for anything else."""

    def exists(self, place: str) -> bool:
        """Tell whether something is there."""

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Rebuild at a new place, which must not exist; `Damaged` when the streams do not fit. `only` is one table or file."""

    def describe(self, place: str, work: Work) -> Dump:
        """Count and digest what was loaded, in the same terms as `dump` did; `manifest.Damaged` when it is unsound."""

    def rename(self, place: str, new: str) -> None:
        """Give what was loaded its name; an error where that name is taken."""

    def remove(self, place: str) -> None:
        """Remove a place that a restore made, whole or half made; nothing when there is nothing. Never the live one."""

    def scratch(self, folder: Path, work: Work) -> AbstractContextManager[tuple[Store, str]]:
        """Open an isolated world for a proof: a store that reaches it, and the place to load into; all of it goes at the end.

        `folder` is private, empty, and removed afterwards, also after a crash.
        """


class Inspecting(Store, Protocol):
    """A store that knows more of what was restored than whether it is what was stored."""

    def faults(self, place: str, work: Work) -> tuple[str, ...]:
        """Return what is wrong with the content itself, each naming the part, such as a configuration file with a mistake."""

    def difference(self, place: str, work: Work) -> tuple[str, ...]:
        """Return the lines that tell how the live target differs from a restored copy; no secret is in them."""


class Hindered(Store, Protocol):
    """A store whose dump others can hold up."""

    def hindrances(self) -> tuple[Hindrance, ...]:
        """Return what stands in the way of a dump now."""


class Swappable(Store, Protocol):
    """A store whose restored copies can take the place of the live target."""

    @property
    def live(self) -> str:
        """Return the place that the target's users see."""

    def swap(self, copy: str, old: str, work: Work) -> None:
        """Give the live place the name `old`, closed to users, and `copy` its name, at once.

        The way back is `swap(old, copy)`. Killed at any moment, it leaves nothing that `reopen` does not end.
        """

    def reopen(self, work: Work) -> None:
        """End what a killed or failed swap has begun: forward if users see the copy already, else back; let in whoever waits.

        Nothing where there is nothing to end.
        """

    def newer(self, dump: Dump, work: Work) -> dict[str, int]:
        """Return by how much the live target has changed since a dump: rows by table, files by folder; only what differs.

        Since an empty dump, that is all that it holds.
        """


class Rehearsing(Store, Protocol):
    """A store on whose copies tasks can be tried, before they are done to the live target."""

    def apart(self, folder: Path, dump: Dump, work: Work) -> AbstractContextManager[tuple[Rehearsing, str]]:
        """Open an isolated world for a dump, as `scratch` does, and ask the live target nothing; Refused if that cannot be."""

    def wear(self, place: str, work: Work) -> None:
        """Make a copy that was just loaded, and so is tidy, as untidy as what is in use; its content stays."""

    def target_at(self, place: str, live: Target) -> Target:
        """Return the target that a copy is: configured as the live one, with nothing that leads back there."""


def can_swap(store: Store) -> TypeGuard[Swappable]:
    """Tell whether copies can take the place of the live target; nothing is asked of the target for that."""
    return callable(getattr(type(store), "swap", None))


def can_inspect(store: Store) -> TypeGuard[Inspecting]:
    """Tell whether a store looks into what it restores."""
    return callable(getattr(type(store), "faults", None))


def can_be_hindered(store: Store) -> TypeGuard[Hindered]:
    """Tell whether a store knows what stands in the way of its dump."""
    return callable(getattr(type(store), "hindrances", None))


def can_rehearse(store: Store) -> TypeGuard[Rehearsing]:
    """Tell whether tasks can be tried on copies."""
    return callable(getattr(type(store), "target_at", None))
