"""Databases in which each task of the kind has something to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mainstay.kinds.postgres.planner.analyze import AnalyzeParams
from tests.laws.scene import Scene
from tests.laws.scenes import (
    postgres_care,
    postgres_compact,
    postgres_orphans,
    postgres_recovery,
    postgres_server_wide,
    postgres_upgrade,
)
from tests.laws.scenes.postgres_database import scene


def analyze(folder: Path) -> Scene:
    return scene("analyze", AnalyzeParams())


SCENES: dict[str, Callable[[Path], Scene]] = {
    "analyze": analyze,
    **postgres_care.SCENES,
    **postgres_compact.SCENES,
    **postgres_orphans.SCENES,
    **postgres_recovery.SCENES,
    **postgres_server_wide.SCENES,
    **postgres_upgrade.SCENES,
}
