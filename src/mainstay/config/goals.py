"""Goals belong to a cadence that there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from mainstay.config.bind import Binder
from mainstay.config.mistakes import nearest
from mainstay.config.shape import Cadence
from mainstay.model.goals import Goal

CADENCES = tuple(name for name in get_args(Cadence) if name)


def check_goals(binder: Binder, goals: Mapping[str, Goal]) -> None:
    """Note goals of a cadence that no routine can have."""
    for cadence in goals:
        if cadence not in CADENCES:
            key = f"goals.{cadence}"
            binder.mistakes.add(binder.origins[key], key, "no such cadence", nearest(cadence, CADENCES))
