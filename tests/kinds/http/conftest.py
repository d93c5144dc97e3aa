"""Ask as the engine does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds.http import KIND
from mainstay.kinds.http.facts import Facts
from mainstay.kinds.http.settings import Settings
from mainstay.kinds.kind import Session
from mainstay.model.target import Target
from mainstay.system.process import Door
from tests.servers import Authority, Site


def look(settings: Settings) -> Facts:
    """Ask as the engine does."""
    facts: Facts = KIND.task("check").observe(Session(Target("api", "http", settings), Door()))
    return facts


def told(settings: Settings) -> list[str]:
    """Ask, and return the findings as they are printed, with their level."""
    check = KIND.task("check")
    return [f"{one.level.name} {one.because}" for one in check.assess(look(settings), check.params())]


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as one:
        yield one


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)
