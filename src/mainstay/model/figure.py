"""Numbers over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One number worth a history, such as ("heap public.orders", 4096, "B"); its name is unique within its target."""

    name: str
    value: float
    unit: Literal["", "s", "B", "share"] = ""
