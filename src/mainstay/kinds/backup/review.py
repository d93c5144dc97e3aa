"""What a check looks at beyond the catalogue: earlier manifests, the history of figures, and the other targets of the site."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from mainstay.kinds.kind import Session
from mainstay.model.figure import Point
from mainstay.model.target import Target
from mainstay.model.units import Duration, Share
from mainstay.vault import manifest as manifests
from mainstay.vault.catalogue import Entry
from mainstay.vault.repository import open_repository

if TYPE_CHECKING:
    from mainstay.kinds.backup.facts import RepositoryFacts

USUAL = 7  # backups that say what is usual
ENOUGH = 3  # fewer do not
STORED, RPO = "stored", "rpo"  # names of figures, the second before that of a target
_DAY = 86_400
_SPAN = timedelta(days=30)
_FAR = timedelta(days=90)


@dataclass(frozen=True)
class Fewer:
    """A table or folder whose count has fallen: the usual one, and that of the newest backup."""

    target: str
    part: str
    usual: float
    now: int


@dataclass(frozen=True)
class Review:
    """What was seen besides the catalogue."""

    fewer: tuple[Fewer, ...] = ()
    growth: float | None = None  # of the stored bytes, per day
    covered: dict[str, Share] = field(default_factory=dict)  # by target: share of the last 30 days in which max_age was kept
    unprotected: tuple[str, ...] = ()  # targets of the site that could be backed up, and are in no repository
    left_out: dict[str, str] = field(default_factory=dict)  # those that need no backup, with the reason
    beside: dict[str, str] = field(default_factory=dict)  # by target: another repository of it on the same device


def review(session: Session, facts: RepositoryFacts) -> Review:
    """Look at all that."""
    others = [one for one in session.targets.values() if one.kind == session.target.kind]
    first = not others or min(one.name for one in others) == session.target.name  # one repository speaks for the site
    left_out = {name: why for one in others for name, why in one.settings.leave_out.items()}
    protected = {name for one in others for name in one.settings.of} | left_out.keys()
    stored = session.history(facts.at - _FAR, [STORED]).get(STORED)
    return Review(
        tuple(one for target in facts.settings.of for one in _fewer(session, facts.of(target))),
        growth(stored.points) if stored else None,
        {target: share for target in facts.settings.of if (share := _covered(session, facts, target)) is not None},
        tuple(sorted(session.stores.keys() - protected)) if first and others else (),
        left_out if first else {},
        _beside(session.target, others),
    )


def growth(points: Sequence[Point]) -> float | None:
    """Return bytes per day, as the median of all slopes (Theil and Sen), which a prune does not turn; None of less than a day."""
    daily = {at.date(): (at.timestamp() / _DAY, value) for at, value in points}
    slopes = [(b - a) / (at_b - at_a) for (at_a, a), (at_b, b) in combinations(daily.values(), 2) if at_b > at_a]
    return median(slopes) if slopes else None


def fewer(target: str, now: dict[str, int], before: Sequence[dict[str, int]]) -> tuple[Fewer, ...]:
    """Return the parts that hold less than usual; one that is gone holds nothing."""
    usual = {name: median(counts.get(name, 0) for counts in before) for name in {name for counts in before for name in counts}}
    return tuple(Fewer(target, name, usual[name], now.get(name, 0)) for name in sorted(usual) if now.get(name, 0) < usual[name])


def covered(made: Iterable[datetime], now: datetime, max_age: Duration) -> Share | None:
    """Return the share of the last 30 days, or since the first backup, in which a proven one was younger than `max_age`."""
    times = sorted(set(made))
    if not times or times[0] >= now:
        return None
    start = max(now - _SPAN, times[0])
    total, reached = 0.0, start
    for at in times:
        end = min(now, at + timedelta(seconds=max_age))
        total += max(0.0, (end - max(at, reached)).total_seconds())
        reached = max(reached, end)
    return Share(round(total / (now - start).total_seconds(), 4))


def _fewer(session: Session, entries: Sequence[Entry]) -> tuple[Fewer, ...]:
    if len(entries) <= ENOUGH:
        return ()
    repository = open_repository(session.target.settings.repository.path)
    counts = [manifests.read(repository.folder(entry.id), entry.id)[0].counts for entry in entries[-USUAL - 1 :]]
    return fewer(entries[-1].target, counts[-1], counts[:-1])


def _covered(session: Session, facts: RepositoryFacts, target: str) -> Share | None:
    """Ask the history how old the newest proven backup was at each look, which tells when each was made; a miss stays a miss."""
    name = f"{RPO} {target}"
    series = session.history(facts.at - _SPAN - timedelta(seconds=facts.settings.max_age), [name]).get(name)
    looks = series.points if series else []
    made = {(at - timedelta(seconds=age)).replace(microsecond=0) for at, age in looks}
    made |= {entry.created.replace(microsecond=0) for entry in facts.of(target) if entry.proven}
    return covered(made, facts.at, facts.settings.max_age)


def _beside(own: Target, others: Iterable[Target]) -> dict[str, str]:
    here = _device(own.settings.repository.path)
    same = [one for one in others if one.name != own.name and _device(one.settings.repository.path) == here]
    return {target: one.name for one in same for target in one.settings.of if target in own.settings.of}


def _device(path: Path) -> int:
    """Return the device of a folder, or of where it would be made."""
    return os.stat(next(one for one in (path, *path.parents) if one.exists())).st_dev
