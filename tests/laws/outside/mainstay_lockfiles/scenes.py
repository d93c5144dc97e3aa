"""A real folder of lock files, for the laws that every kind obeys."""

from __future__ import annotations

import os
from pathlib import Path

from mainstay.kinds.kind import NoParams
from mainstay.model.plan import Step
from mainstay.model.target import Target
from tests.laws.scene import Scene

from .settings import Settings

_NOBODY = 2**22 + 1  # above the largest process id that Linux has


def stale(folder: Path) -> Scene:
    """One file is stale, another belongs to a living process."""
    (folder / "gone.pid").write_text(f"{_NOBODY}\n")
    os.utime(folder / "gone.pid", (0, 0))
    (folder / "alive.pid").write_text(f"{os.getpid()}\n")
    return Scene("remove", Target("locks", "lockfiles", Settings(folder)), NoParams(), ambiguous=restarted)


def restarted(step: Step) -> None:
    """The program was started again: a file of that name, but another one."""
    path = Path(step.args["path"])
    path.unlink()
    (path.parent / "other").touch()  # takes the inode that has become free
    path.write_text(str(os.getpid()))


SCENES = {"stale": stale}
