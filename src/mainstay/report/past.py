"""What earlier runs tell: how long the same tasks took, and how the sizes grew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType
from typing import Literal

from mainstay.model import figure
from mainstay.model.because import Scalar, Unit
from mainstay.model.run import RunRecord, Status
from mainstay.report.compare import flat
from mainstay.report.quantity import unit_of

RUNS = 30  # how far a chart looks back
MOVED = 0.01  # a quantity that moved less than this share of itself has no course worth a chart
SERIES = 8  # how many charts of a sort a report has
POINTS = 240  # of one chart: more cannot be told apart
_TIMED = {Status.OK, Status.CHANGED}


@dataclass(frozen=True)
class Point:
    """One value of one run."""

    at: datetime
    value: float
    run: str


@dataclass(frozen=True)
class Series:
    """One quantity, oldest first: of `runs`, the last of which is this run, or of `looks`."""

    of: str
    fact: str
    unit: Unit
    points: tuple[Point, ...]
    counted: Literal["runs", "looks"] = "runs"


History = Mapping[str, figure.Series]
NO_FIGURES: Mapping[str, History] = MappingProxyType({})


def related(run: RunRecord, others: Iterable[RunRecord]) -> list[RunRecord]:
    """Return the newest earlier runs that had a task or a check in common with this one, oldest first."""
    ids = {task.id for task in run.tasks} | run.baseline.keys()
    known = [
        old
        for old in others
        if old.began < run.began and not ids.isdisjoint({task.id for task in old.tasks} | old.baseline.keys())
    ]
    return _ordered(known)[-RUNS:]


def durations(run: RunRecord, earlier: Sequence[RunRecord]) -> tuple[Series, ...]:
    """Return how long each task of the run took, now and before; runs in which it did not come to its end do not count."""
    found: dict[str, list[Point]] = {task.id: [] for task in run.tasks if task.took is not None and not task.bracket}
    for one in _ordered([*earlier, run]):
        for task in one.tasks:
            if task.id in found and task.took is not None and (one is run or task.status in _TIMED):
                found[task.id].append(Point(one.began, float(task.took), one.id))
    series = [Series(task, "took", "s", tuple(points[-RUNS:])) for task, points in found.items() if len(points) > 1]
    return tuple(sorted(series, key=lambda one: -one.points[-1].value)[:SERIES])


def sizes(run: RunRecord, earlier: Sequence[RunRecord]) -> tuple[Series, ...]:
    """Return the bytes and shares that the checks saw, now and before, those that moved most first."""
    found: dict[tuple[str, str], list[Point]] = {}
    for one in _ordered([*earlier, run]):
        for task, facts in {**one.baseline, **one.final}.items():
            for fact, value in _measured(flat(facts)):
                found.setdefault((task, fact), []).append(Point(one.began, value, one.id))
    series = [
        Series(task, fact, unit_of(fact), tuple(points[-RUNS:]))
        for (task, fact), points in found.items()
        if len(points) > 1 and points[-1].run == run.id
    ]
    series = [one for one in series if _movement(one) >= MOVED]
    return tuple(sorted(series, key=_movement, reverse=True)[:SERIES])


def courses(run: RunRecord, figures: Mapping[str, History]) -> tuple[Series, ...]:
    """Return the history of the figures that the run's steps have changed, those that changed most first."""
    changed = {(task.target, one.name): one for task in run.tasks for step in task.steps for one in step.measures}
    names = sorted(changed, key=lambda key: -abs(changed[key].after - changed[key].before) / max(abs(changed[key].before), 1))
    known = [(target, figures.get(target, {}).get(name)) for target, name in names]
    return tuple(_course(target, one) for target, one in known if one and len(one.points) > 2)[:SERIES]


def thinned(points: Sequence[figure.Point], most: int = POINTS) -> list[figure.Point]:
    """Return at most that many points: of each stretch the lowest and the highest, so that no spike is lost."""
    if len(points) <= most:
        return list(points)
    ends = [len(points) * place // (most // 2) for place in range(most // 2 + 1)]
    stretches = (points[begin:end] for begin, end in pairwise(ends))
    return [one for part in stretches for one in sorted({min(part, key=_value), max(part, key=_value)})]


def _value(point: figure.Point) -> float:
    return point[1]


def _course(target: str, of: figure.Series) -> Series:
    return Series(target, of.name, of.unit, tuple(Point(at, value, "") for at, value in thinned(of.points)), "looks")


def _ordered(runs: Iterable[RunRecord]) -> list[RunRecord]:
    return sorted(runs, key=lambda run: run.began)


def _measured(facts: dict[str, Scalar]) -> Iterable[tuple[str, float]]:
    for fact, value in facts.items():
        if unit_of(fact) in ("B", "share") and isinstance(value, int | float):
            yield fact, float(value)


def _movement(series: Series) -> float:
    values = [point.value for point in series.points]
    return (max(values) - min(values)) / max(values) if max(values) > 0 else 0.0
