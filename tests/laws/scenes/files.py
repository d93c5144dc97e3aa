"""A folder of uploads with files that are too old."""

from __future__ import annotations

import os
from pathlib import Path

from mainstay.kinds.files.due import Params as Limits
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.snapshot import Params as Place
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration
from tests.laws.scene import Scene


def uploads(folder: Path) -> Target:
    """Make two folders, each with an old file and a new one."""
    for name in ("a", "b"):
        (folder / "uploads" / name).mkdir(parents=True)
        for file in ("old", "older", "new"):
            (folder / "uploads" / name / file).write_text(f"{name} {file}")
        for age, file in enumerate(("old", "older")):
            os.utime(folder / "uploads" / name / file, (10**9 - age, 10**9 - age))
    return Target("uploads", "files", Settings(folder / "uploads"))


def delete(folder: Path) -> Scene:
    return Scene("retention", uploads(folder), Limits(max_age=Duration(86400)), ambiguous=None)


def to_trash(folder: Path) -> Scene:
    (folder / "trash").mkdir(mode=0o700)
    return Scene("retention", uploads(folder), Limits(max_age=Duration(86400), trash=folder / "trash"))


def snapshot(folder: Path) -> Scene:
    (folder / "copies").mkdir()
    return Scene("snapshot", uploads(folder), Place(folder / "copies"), ambiguous=_torn)


def _torn(step: Step) -> None:
    """A folder stands under the name of the copy, and holds less than the folder did."""
    copy = Path(step.args["path"])
    (copy / "tree").mkdir(parents=True)
    (copy / "content.json").write_text('{"held":[{"files":6},{}],"notes":[]}')


SCENES = {"delete": delete, "to_trash": to_trash, "snapshot": snapshot}
