"""Real logs: a folder, programs that write to it, and a way to run a task as the engine does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from mainstay.kinds.kind import Deferred, Session
from mainstay.kinds.logs import KIND
from mainstay.kinds.logs.facts import Facts
from mainstay.kinds.logs.settings import Settings
from mainstay.model.plan import Skip, Step, Undo
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from mainstay.system.process import Door

WRITER = Path(__file__).with_name("writer.py")
LINE = b"%010d a line of about one hundred bytes, as an application writes them about what it does all day\n"


class Writer:
    """A writing process; `stop` ends it and returns how many lines it wrote."""

    def __init__(self, path: Path, how: str = "append", reopens_on: str = "-") -> None:
        self.process = subprocess.Popen([sys.executable, WRITER, path, how, reopens_on], stdout=subprocess.PIPE)
        assert self.process.stdout
        assert self.process.stdout.readline() == b"ready\n"
        self.pid = self.process.pid

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        out, _ = self.process.communicate(timeout=20)
        return int(out or 0)


def session(settings: Settings, **more: Any) -> Session:
    return Session(Target("logs", "logs", settings), Door(), **more)


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(**{"paths": (f"{folder}/*.log",), "rivals": (), **more})


def observe(given: Settings, **more: Any) -> Facts:
    facts = KIND.task("check").observe(session(given, **more))
    assert isinstance(facts, Facts)
    return facts


def plan(task: str, given: Settings, **more: Any) -> tuple[list[Step], list[Skip]]:
    kind = KIND.task(task)
    planned = kind.plan(kind.observe(session(given, **more)), kind.params(), "run-1.logs")
    return [i for i in planned if isinstance(i, Step)], [i for i in planned if isinstance(i, Skip)]


def do(task: str, given: Settings, step: Step) -> Deferred | None:
    """Apply one step and require its proof, as the engine does."""
    kind, opened = KIND.task(task), session(given)
    before = kind.observe(opened, step.on)
    result = kind.apply(opened, step, Deadline(step.deadline))
    assert kind.verify(before, kind.observe(opened, step.on), step) is None
    return result


def run(task: str, given: Settings) -> list[Step]:
    """Plan and do one task."""
    steps, _ = plan(task, given)
    for step in steps:
        do(task, given, step)
    return steps


def undo(step: Step) -> Step:
    assert isinstance(step.reverse, Undo)
    return Step(f"undo-{step.id}", step.reverse.action, step.on, step.because, args=step.reverse.args)


def joined(folder: Path, name: str = "app.log") -> bytes:
    """Return the whole log: its parts in order, then the live file."""
    parts = sorted(path for path in folder.glob(f"{name}-*"))
    live = folder / name
    plain = [zstd.decompress(path.read_bytes()) if path.suffix == ".zst" else path.read_bytes() for path in parts]
    return b"".join([*plain, live.read_bytes() if live.exists() else b""])


def numbers(content: bytes) -> list[int]:
    return [int(line[:10]) for line in content.splitlines()]


def old_part(folder: Path, days: float, content: bytes = b"2026-01-01 10:00:00 old\n", name: str = "app.log") -> Path:
    """Make a rotated part of some days ago."""
    stamp = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y%m%dT%H%M%SZ")
    path = folder / f"{name}-{stamp}-01"
    path.write_bytes(content)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty log folder."""
    path = tmp_path / "logs"
    path.mkdir(mode=0o755)
    return path


@pytest.fixture
def writing() -> Iterator[Callable[..., Writer]]:
    """Return what starts a writer; all are ended with the test."""
    with ExitStack() as ending:

        def start(path: Path, how: str = "append", reopens_on: str = "-") -> Writer:
            writer = Writer(path, how, reopens_on)
            ending.callback(writer.stop)
            return writer

        yield start


@contextmanager
def tmpfs(folder: Path, size: str) -> Iterator[Path]:
    """Mount a small file system."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
