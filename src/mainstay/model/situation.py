"""How things stand in one page: what is red, what was changed lately, who was told, and what waits for somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.model.because import Finding, Level
from mainstay.model.emergency import Emergency
from mainstay.model.notice import Delivery


@dataclass(frozen=True)
class RecentRun:
    """A run that changed something, ended badly, or is not over."""

    run: str
    routine: str
    began: datetime
    by: str
    status: str
    because: str = ""
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """Something that was changed beside the steps of runs: the configuration, a calendar, a mode."""

    at: datetime
    what: str
    by: str = ""


@dataclass(frozen=True)
class Situation:
    """All of it. `red` are the findings of a look at every target that are not in order; `since` is how far back it goes."""

    site: str
    at: datetime
    since: datetime
    looked: int
    red: tuple[Finding, ...] = ()
    runs: tuple[RecentRun, ...] = ()
    changes: tuple[Change, ...] = ()
    waiting: tuple[RecentRun, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    modes: tuple[str, ...] = ()
    notices: tuple[Delivery, ...] = ()
    unheard: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """How bad the worst look is."""
        return max((one.level for one in self.red), default=Level.OK)
