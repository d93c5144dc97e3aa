"""What is known of a set of logs: streams, their live files, rotated parts and archive, and who has them open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath

from mainstay.kinds.logs.catalogue import Entry
from mainstay.kinds.logs.reopen import Reach
from mainstay.kinds.logs.settings import Settings
from mainstay.kinds.logs.writers import Writer
from mainstay.model.units import Duration, Size


@dataclass(frozen=True)
class Part:
    """A rotated part; `stamp` is when it was rotated, by its name."""

    path: str
    stamp: datetime
    turn: int = 1
    compressed: bool = False
    inode: int = 0
    links: int = 1
    size: Size = Size(0)
    writers: tuple[Writer, ...] = ()


@dataclass(frozen=True)
class Live:
    """The file that a log is written to. `whole` bytes could be cut off its head; `block` is where its first block lies."""

    inode: int = 0
    links: int = 1
    size: Size = Size(0)
    mode: int = 0o640
    uid: int = 0
    gid: int = 0
    writers: tuple[Writer, ...] = ()
    whole: int = 0
    block: int = 0
    no_cut: str = ""  # why its head cannot be cut off


@dataclass(frozen=True)
class Stream:
    """One log: its live file (None when it is gone) and its rotated parts, oldest first.

    unsafe   why nothing of it is touched, or ""
    rival    the file of another rotator's configuration that names it, or ""
    foreign  parts that another rotator left
    """

    path: str
    live: Live | None = None
    parts: tuple[Part, ...] = ()
    unsafe: str = ""
    rival: str = ""
    foreign: tuple[str, ...] = ()
    rotated: datetime | None = None

    @property
    def folder(self) -> str:
        """Where it lies."""
        return str(PurePath(self.path).parent)

    @property
    def name(self) -> str:
        """Its name in the folder."""
        return PurePath(self.path).name

    @property
    def half(self) -> Part | None:
        """The part that a rotation began to make and did not finish: it is still the live file."""
        same = (part for part in self.parts if self.live and part.inode == self.live.inode)
        return next(same, None)


@dataclass(frozen=True)
class Facts:
    """What every task on logs decides from: the policy too, so that a decision can be replayed from its facts alone."""

    at: datetime
    policy: Settings
    streams: tuple[Stream, ...] = ()
    archived: tuple[Entry, ...] = ()
    missing: tuple[str, ...] = ()  # archived parts that are listed and not there
    reach: Reach | None = None
    held: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """All rotated parts, oldest first."""
        return tuple(sorted((part for stream in self.streams for part in stream.parts), key=lambda part: (part.stamp, part.turn)))

    @property
    def total(self) -> Size:
        """The bytes of all live files and parts."""
        live = sum(stream.live.size for stream in self.streams if stream.live)
        return Size(live + sum(part.size for part in self.parts))

    def stream(self, path: str) -> Stream | None:
        """Return the stream of that path."""
        return next((stream for stream in self.streams if stream.path == path), None)

    def part(self, path: str) -> Part | None:
        """Return the part of that path."""
        return next((part for part in self.parts if part.path == path), None)

    def is_archived(self, part: str) -> bool:
        """Say whether the archive lists a part and has it."""
        return part not in self.missing and any(entry.part == part for entry in self.archived)

    def of(self, paths: tuple[str, ...]) -> Facts:
        """Return the facts of some streams only."""
        return replace(self, streams=tuple(stream for stream in self.streams if stream.path in paths))


def growth(stream: Stream, at: datetime) -> Size | None:
    """Return the bytes that a log grows by in a day, since its last rotation; None when that is less than an hour ago."""
    if not stream.live or not stream.rotated:
        return None
    since = Duration((at - stream.rotated).total_seconds())
    return Size(stream.live.size * 86400 / since) if since >= 3600 else None
