"""How much of the day maintenance may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Goal:
    """What all routines of one cadence stay below together in each of its periods: a day, a week and so on."""

    active: Annotated[Duration | None, Setting("time for which maintenance is at work", example="1h")] = None
    downtime: Annotated[Duration | None, Setting("time for which users are without service", example="10m")] = None


GOALS = {"daily": Goal(Duration(3600)), "weekly": Goal(Duration(7200))}  # where the configuration says nothing
