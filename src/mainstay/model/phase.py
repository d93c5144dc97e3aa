"""Phases: the named parts of a routine, when each is to be at work, and when it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.model.target import Origin
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Phase:
    """A named part of a routine, as configured.

    tasks   the ids of its tasks, in order
    budget  how long they may take together
    start   its earliest beginning in a slot: a local time ("02:30"), or time since the slot began ("+30m"); "" has none
    after   phases before it that must have passed
    """

    name: str
    tasks: tuple[str, ...]
    budget: Duration
    start: str = ""
    after: tuple[str, ...] = ()
    origin: Origin | None = None


@dataclass(frozen=True)
class PhaseRecord:
    """A phase of one run: when it was to begin and to end, and when it did begin; what became of it is told by its tasks.

    not_before  the earliest instant, None when it begins as soon as it may
    """

    name: str
    tasks: tuple[str, ...]
    after: tuple[str, ...]
    begins: datetime
    ends: datetime
    not_before: datetime | None = None
    began: datetime | None = None
