"""A small Debian system, and looks at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.kind import NoParams, Session
from mainstay.kinds.packages import KIND
from mainstay.kinds.packages.facts import Facts
from mainstay.kinds.packages.settings import Settings
from mainstay.model.because import Level
from mainstay.model.codec import decode, encode
from mainstay.model.target import Target
from mainstay.system.process import Door
from tests.live import debian
from tests.live.debian import Debian

Look = Callable[..., Facts]


@pytest.fixture
def system(tmp_path: Path) -> Debian:
    if debian.missing():
        pytest.skip(f"needs {debian.missing()}")
    return Debian(tmp_path)


@pytest.fixture
def look(system: Debian) -> Look:
    """Look at the system, with the facts of an earlier look as the journal would give them back."""

    def look(last: Facts | None = None, **settings: Any) -> Facts:
        target = Target("host", "packages", Settings(root=system.root, **settings))
        before = decode(Facts, encode(last)) if last else None
        facts: Facts = KIND.task("check").observe(Session(target, Door(), last=before))
        return facts

    return look


def told(facts: Facts, on: str, least: Level = Level.WARNING) -> list[str]:
    """Return what is found on one thing, as it is printed, with its level."""
    found = KIND.task("check").assess(facts, NoParams())
    return [f"{one.level.name} {one.because} -- {one.advice}" for one in found if one.on == on and one.level >= least]


def figures(facts: Facts) -> dict[str, float]:
    """Return the figures by name."""
    return {one.name: one.value for one in KIND.task("check").figures(facts)}


def later(facts: Facts, **span: float) -> Facts:
    """Return the same look as if it were made later."""
    return replace(facts, at=facts.at + timedelta(**span))
