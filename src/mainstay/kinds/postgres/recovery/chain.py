"""How far the log leads on from a base backup, and which of them a recovery begins with. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.postgres.recovery import segments
from mainstay.kinds.postgres.recovery.base import Base
from mainstay.kinds.postgres.recovery.folder import Wal
from mainstay.kinds.postgres.recovery.segments import Place, Stretch, Timeline


@dataclass(frozen=True)
class Chain:
    """The segments that follow a base without a gap, the newest timeline that they lead to, and the first that is missing.

    `until` is when the last of them was written; None when there is none. `missing` is "" when none is.
    """

    timeline: int
    places: tuple[Place, ...] = ()
    until: datetime | None = None
    missing: str = ""


def follow(wal: Wal, base: Base) -> Chain:
    """Follow the log from a base to its end, or to its first gap, changing over to newer timelines where they begin."""
    begins = {timeline: at // wal.segment for timeline, at in _line(wal, base).begins().items()}
    number, places, until = base.first(wal.segment), list[Place](), None
    while held := _holding(wal, begins, number):
        places.append((held.timeline, number))
        until, number = held.ended if number == held.last else until, number + 1
    later = any(one.last > number and one.timeline in begins for one in wal.stretches)
    missing = "" if places and not later else segments.name_of((_at(begins, number), number), wal.segment)
    return Chain(max(begins), tuple(places), until, missing)


def _line(wal: Wal, base: Base) -> Timeline:
    """Return the newest timeline that comes from a base's own, and leaves it after the base was complete."""
    end, own = segments.position(base.end), Timeline(base.timeline)
    known = {one.id: one for one in wal.timelines}
    descended = (one for one in wal.timelines if any(id == base.timeline and left >= end for id, left in one.parents))
    return max(descended, key=lambda one: one.id, default=known.get(base.timeline, own))


def _holding(wal: Wal, begins: dict[int, int], number: int) -> Stretch | None:
    """Return the stretch that holds a segment: of the newest timeline that had begun by then and has it."""
    has = [one for one in wal.stretches if one.first <= number <= one.last and begins.get(one.timeline, number + 1) <= number]
    return max(has, key=lambda one: one.timeline, default=None)


def _at(begins: dict[int, int], number: int) -> int:
    return max(timeline for timeline, begin in begins.items() if begin <= number)


def before(bases: Iterable[Base], moment: datetime) -> Base | None:
    """Return the newest base that was complete at a moment."""
    return max((one for one in bases if one.ended <= moment), key=lambda one: one.ended, default=None)


def below(bases: Iterable[Base], position: int) -> Base | None:
    """Return the newest base that was complete at a position of the log."""
    fit = (one for one in bases if segments.position(one.end) <= position)
    return max(fit, key=lambda one: one.ended, default=None)
