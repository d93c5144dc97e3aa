"""Run the tasks of the kind on real folders, as the engine does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.files import KIND
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.kind import Session
from mainstay.model.plan import Skip, Step, Undo
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.system.process import Door


@dataclass
class Folder:
    """A target of this kind."""

    path: Path
    settings: Settings = field(init=False)
    held: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.settings = Settings(self.path)

    @property
    def session(self) -> Session:
        return Session(Target("folder", "files", self.settings), Door(), held=self.held)

    def look(self, task: str, on: tuple[str, ...] | None = None) -> Any:
        return KIND.task(task).observe(self.session, on)

    def told(self, task: str) -> list[str]:
        """Return the findings that are not OK, as they are printed, with their level."""
        kind = KIND.task(task)
        found = kind.assess(self.look(task), kind.params() if task not in ("snapshot",) else None)
        return [f"{one.level.name} {one.on}: {one.because}" for one in found if one.level]

    def plan(self, task: str, params: Any) -> tuple[list[Step], list[Skip]]:
        """Return steps and skips, but for the one that says that some processes of this machine cannot be looked into."""
        items = KIND.task(task).plan(self.look(task), params, "run-1")
        skips = [one for one in items if isinstance(one, Skip) and one.on[0] != "open files"]
        return [one for one in items if isinstance(one, Step)], skips

    def do(self, task: str, step: Step) -> str | None:
        """Apply a step and return what verification says."""
        kind, before = KIND.task(task), self.look(task, step.on)
        kind.apply(self.session, step, Deadline(Duration(60)))
        return kind.verify(before, self.look(task, step.on), step)


def undo_of(step: Step) -> Step:
    """Make the step that takes a step back."""
    assert isinstance(step.reverse, Undo)
    return Step(f"undo-{step.id}", step.reverse.action, step.on, step.because, args=step.reverse.args)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "folder"
    path.mkdir()
    return Folder(path)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """Return a folder on another file system."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as path:
        yield Path(path)


@pytest.fixture
def write(folder: Folder) -> Callable[..., Path]:
    """Write a file below the folder."""

    def write(name: str, content: str | bytes = "x", mode: int = 0o640) -> Path:
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        path.chmod(mode)
        return path

    return write
