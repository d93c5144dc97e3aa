"""A real folder with old files, for the laws that every kind obeys."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from mainstay.kinds.files.due import Params as Retention
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.snapshot import Params as Snapshot
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration
from tests.laws.scene import Scene


def deleted(folder: Path) -> Scene:
    """Two files have had their time, one has not."""
    root = folder / "uploads"
    root.mkdir()
    for name in ("old", "older", "young"):
        (root / name).write_text(name, encoding="ascii")
    for name in ("old", "older"):
        os.utime(root / name, (0, 0))

    def half_done(step: Step) -> None:
        (root / "old").unlink()

    target = Target("uploads", "files", Settings(root))
    return Scene("retention", target, Retention(max_age=Duration(86400)), ambiguous=half_done)


def trashed(folder: Path) -> Scene:
    """The same, with a trash to come back from."""
    scene = deleted(folder)
    return replace(scene, params=replace(scene.params, trash=folder / "trash"))


def copied(folder: Path) -> Scene:
    """A folder to copy, and for the ambiguity a copy that does not hold what it should."""
    root = folder / "uploads"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "one").write_text("content", encoding="ascii")

    def damaged(step: Step) -> None:
        tree = Path(step.args["path"]) / "tree"
        tree.mkdir(parents=True)
        (tree / "one").write_text("other", encoding="ascii")

    target = Target("uploads", "files", Settings(root))
    return Scene("snapshot", target, Snapshot(folder / "copies"), ambiguous=damaged)


SCENES = {"old files": deleted, "old files to a trash": trashed, "a copy": copied}
