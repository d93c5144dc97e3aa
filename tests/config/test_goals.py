"""Goals of maintenance time."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.config import load
from mainstay.kinds import registry
from mainstay.model.errors import ConfigError
from mainstay.model.goals import Goal
from mainstay.model.units import Duration

SITE = "site: shop\ntimezone: UTC\n"


def test_goals_are_read_by_cadence(tmp_path: Path) -> None:
    path = tmp_path / "mainstay.yaml"
    path.write_text(f"{SITE}goals: {{weekly: {{active: 2h, downtime: 10m}}}}\n")
    assert load(path, registry).goals == {"weekly": Goal(Duration(7200), Duration(600))}


def test_a_cadence_that_there_is_none_of_is_a_mistake_with_its_line_and_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "mainstay.yaml"
    path.write_text(f"{SITE}goals:\n  daily: {{active: 1h}}\n  weakly: {{active: 2h}}\n")
    with pytest.raises(ConfigError, match=r"mainstay.yaml:5: goals.weakly: no such cadence; did you mean weekly"):
        load(path, registry)
