"""Numbers over time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from mainstay.model.because import Unit

Point = tuple[datetime, float]


@dataclass(frozen=True)
class Figure:
    """One number worth a history, such as ("heap app.public.orders", 4096, "B"); its name is unique within its target.

    An objective is a limit that the number is to keep: `at_most`, `at_least`, or neither. `stored` are bytes on disk that no
    other figure of the same look counts as well: what an act takes off their sum is reclaimed.
    """

    name: str
    value: float
    unit: Unit = ""
    at_most: float | None = None
    at_least: float | None = None
    stored: bool = False


@dataclass(frozen=True)
class Measure:
    """One number before and after an act."""

    name: str
    before: float
    after: float
    unit: Unit = ""
    stored: bool = False


@dataclass(frozen=True)
class Series:
    """The history of one figure, oldest value first, with the objective that it has now."""

    name: str
    unit: Unit = ""
    points: list[Point] = field(default_factory=list)
    at_most: float | None = None
    at_least: float | None = None

    def within(self, value: float) -> bool:
        """Tell whether a value keeps the objective."""
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


def measures(before: Iterable[Figure], after: Iterable[Figure]) -> tuple[Measure, ...]:
    """Return the figures that were there before and after, in their order afterwards."""
    was = {one.name: one.value for one in before}
    return tuple(Measure(one.name, was[one.name], one.value, one.unit, one.stored) for one in after if one.name in was)
