"""Every decision carries its reason: fact, value, operator, limit, and the line that set the limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Literal

from mainstay.model.target import Origin
from mainstay.model.units import Duration, Share, Size

Scalar = str | int | float | bool | None
Operator = Literal["<", "<=", ">", ">=", "==", "!=", "in", "not in", "is"]
Unit = Literal["", "s", "B", "share"]

_UNITS: dict[type, Unit] = {Duration: "s", Size: "B", Share: "share"}


@dataclass(frozen=True)
class Because:
    """One comparison, printed as `dead_share 34 % > table_bloat_threshold 20 % (mainstay.yaml:14)`.

    `param` names the setting that holds the limit ("" for a limit that is nobody's setting); its `origin` is filled in by
    the engine, so that the deciding code needs no knowledge of files and lines.
    """

    fact: str
    value: Scalar
    op: Operator = "is"
    limit: Scalar = None
    param: str = ""
    unit: Unit = ""
    origin: Origin | None = None

    def __str__(self) -> str:
        if self.op == "is":
            return f"{self.fact}: {self._shown(self.value)}" if self.value is not None else self.fact
        where = f" ({self.origin})" if self.origin else (" (default)" if self.param else "")
        name = f"{self.param} " if self.param else ""
        return f"{self.fact} {self._shown(self.value)} {self.op} {name}{self._shown(self.limit)}{where}"

    def at(self, origin: Origin | None) -> Because:
        """Return the same reason with the line that set its limit."""
        return replace(self, origin=origin)

    def _shown(self, value: Scalar) -> str:
        if isinstance(value, float | int) and not isinstance(value, bool):
            shown = {"s": lambda: str(Duration(value)), "B": lambda: str(Size(value)), "share": lambda: str(Share(value))}
            return shown.get(self.unit, lambda: f"{value:,}" if isinstance(value, int) else f"{value:.3g}")()
        return str(value)


def because(fact: str, value: Scalar, op: Operator = "is", limit: Scalar = None, param: str = "") -> Because:
    """Build a reason; the unit is that of the value's or the limit's type."""
    unit = _UNITS.get(type(value)) or _UNITS.get(type(limit)) or ""
    return Because(fact, value, op, limit, param, unit)


class Level(IntEnum):
    """How bad a finding is; the numbers are the exit codes of monitoring plugins, except that unknown is worst."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True)
class Finding:
    """Something that an observation showed: on what, how bad, why, and what to do about it."""

    level: Level
    on: str
    because: Because
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.on}: {self.because}" + (f" -- {self.advice}" if self.advice else "")
