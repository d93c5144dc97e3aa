"""Logs that are due, and parts that have had their time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mainstay.kinds.kind import NoParams
from mainstay.kinds.logs.settings import Settings
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.laws.scene import Scene

LINE = b"2026-11-20T10:00:00 a line of about one hundred bytes, as an application writes them about what it does\n"


def logs(folder: Path, **settings: Any) -> Target:
    """Make a live log with two rotated parts, forty and fifty days old."""
    place = folder / "logs"
    place.mkdir(mode=0o755)
    (place / "app.log").write_bytes(LINE * 400)
    for days in (50, 40):
        stamp = f"{datetime.now(UTC) - timedelta(days=days):%Y%m%dT%H%M%SZ}"
        (place / f"app.log-{stamp}-01").write_bytes(LINE * 50)
    return Target("logs", "logs", Settings((f"{place}/*.log",), rivals=(), **settings))


def rename(folder: Path) -> Scene:
    return Scene("rotate", logs(folder), NoParams(), ambiguous=_taken)


def cut(folder: Path) -> Scene:
    anew = "each rotation takes what is there"
    return Scene("rotate", logs(folder, append_only=True), NoParams(), acts_anew=anew)


def compress(folder: Path) -> Scene:
    return Scene("compress", logs(folder, delay=0), NoParams(), ambiguous=_empty)


def archive(folder: Path) -> Scene:
    target = logs(folder, delay=0, archive=folder / "archive")
    compressing = Scene("compress", target, NoParams())
    with compressing.session() as session:
        for step in compressing.steps():
            compressing.kind.apply(session, step, Deadline(Duration(60)))
    return Scene("archive", target, NoParams())


def retention(folder: Path) -> Scene:
    return Scene("retention", logs(folder, max_age=Duration(86400)), NoParams())


def _taken(step: Step) -> None:
    """The part has its name, but it is not the file that was planned."""
    log = Path(step.on[1])
    log.with_name(step.args["part"]).write_bytes(LINE)


def _empty(step: Step) -> None:
    """Both the plain part and a compressed one are there."""
    Path(f"{step.args['path']}.zst").touch()


SCENES = {"rename": rename, "cut": cut, "compress": compress, "archive": archive, "retention": retention}
