"""Names and positions of the write-ahead log: segments, stretches of them without a gap, and timelines. Pure.

Source: https://www.postgresql.org/docs/current/wal-internals.html and, for timelines, continuous-archiving.html#BACKUP-TIMELINES
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

PARTIAL = ".partial"
SEGMENT = re.compile(r"[0-9A-F]{24}")
HISTORY = re.compile(r"([0-9A-F]{8})\.history")
ARCHIVED = re.compile(r"[0-9A-F]{24}(\.[0-9A-F]{8}\.backup|\.partial)?|[0-9A-F]{8}\.history")
_HEADER = struct.Struct("<HHIQI4xQII")  # XLogLongPageHeaderData: the same in versions 13 to 18
_LONG = 0x0002  # XLP_LONG_HEADER
HEADER_BYTES = _HEADER.size

Place = tuple[int, int]  # timeline and number of a segment


@dataclass(frozen=True)
class Header:
    """What the first page of a segment says: whose log it is, and which part of it."""

    system: str
    timeline: int
    position: int
    segment: int  # bytes of a segment


@dataclass(frozen=True)
class Stretch:
    """Segments of one timeline with none missing between, and when the last of them was written."""

    timeline: int
    first: int
    last: int
    ended: datetime


@dataclass(frozen=True)
class Timeline:
    """A timeline with its ancestors, the oldest first, each with the position at which it was left."""

    id: int
    parents: tuple[tuple[int, int], ...] = ()

    def begins(self) -> dict[int, int]:
        """Return at which position each timeline of this history begins."""
        ids = [*(one for one, _ in self.parents), self.id]
        return dict(zip(ids, [0, *(left for _, left in self.parents)], strict=True))


def position(text: str) -> int:
    """Return a position that is written as PostgreSQL does, such as 0/3000028; ValueError for anything else."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


def name_of(place: Place, size: int) -> str:
    """Return the name of a segment."""
    timeline, number = place
    high, low = divmod(number, (1 << 32) // size)
    return f"{timeline:08X}{high:08X}{low:08X}"


def place_of(name: str, size: int) -> Place:
    """Return timeline and number of the segment that a name begins with."""
    return int(name[:8], 16), int(name[8:16], 16) * ((1 << 32) // size) + int(name[16:24], 16)


def header_of(page: bytes) -> Header | None:
    """Read the first bytes of a segment; None when they are none of a segment."""
    if len(page) < HEADER_BYTES:
        return None
    magic, flags, timeline, at, _, system, segment, _ = _HEADER.unpack_from(page)
    if magic >> 8 != 0xD1 or not flags & _LONG:
        return None
    return Header(str(system), timeline, at, segment)


def history_of(timeline: int, text: str) -> Timeline:
    """Read the history file of a timeline."""
    lines = (line.split() for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return Timeline(timeline, tuple((int(parts[0]), position(parts[1])) for parts in lines))


def stretches(found: Mapping[Place, datetime]) -> tuple[Stretch, ...]:
    """Join segments, each with the time at which it was written, to stretches; by timeline, the first one first."""
    joined: list[Stretch] = []
    for (timeline, number), written in sorted(found.items()):
        if joined and (joined[-1].timeline, joined[-1].last + 1) == (timeline, number):
            joined[-1] = Stretch(timeline, joined[-1].first, number, written)
        else:
            joined.append(Stretch(timeline, number, number, written))
    return tuple(joined)
