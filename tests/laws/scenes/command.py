"""A command that makes a file, and can be asked for it."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.command.settings import Settings
from mainstay.kinds.kind import NoParams
from mainstay.model.target import Target
from tests.laws.scene import Scene


def _flag(folder: Path, task: str) -> Scene:
    flag = str(folder / "flag")
    settings = Settings(("/usr/bin/touch", flag), undo=("/bin/rm", "-f", flag), done=("/usr/bin/test", "-e", flag))
    return Scene(task, Target("flag", "command", settings), NoParams())


def run(folder: Path) -> Scene:
    return _flag(folder, "run")


def hold(folder: Path) -> Scene:
    return _flag(folder, "hold")


SCENES = {"run": run, "hold": hold}
