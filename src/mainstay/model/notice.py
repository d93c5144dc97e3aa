"""What people are told: a notice as it is sent, and how each delivery of it stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay.model.channel import Sort


@dataclass(frozen=True)
class Notice:
    """One notice, the same for every channel. `id` names what it tells, so that the same thing is told once."""

    id: str
    sort: Sort
    at: datetime
    subject: str
    text: str
    until: datetime | None = None  # of no use to anybody later than this
    invitation: str = ""  # an iCalendar object (RFC 5545)
    of: tuple[str, ...] = ()  # a digest: the notices that it holds


@dataclass(frozen=True, order=True)
class Lane:
    """One queue: a channel, or one recipient of a mail channel. Within it, notices keep their order."""

    channel: str
    recipient: str = ""

    def __str__(self) -> str:
        return f"{self.channel} to {self.recipient}" if self.recipient else self.channel


@dataclass(frozen=True)
class Delivery:
    """One notice in one lane."""

    number: int
    lane: Lane
    notice: Notice
    state: Literal["owed", "sent", "failed", "expired"]
    attempts: int
    due: datetime
    because: str = ""
    ended: datetime | None = None
