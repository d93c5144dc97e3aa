"""Kill a step of the vault at one system call, look, let it go on, and look again.

strace counts each call in each thread by itself, and the first thread that gets to the number dies. So a point is a call and its
number in the busiest thread: every call of the vault's own thread is met, since it is the only one that names, syncs and removes;
of the short threads in which SQLite reads, those whose numbers come first.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.crash.vault_steps import STEPS, faults, fingerprint, left, prepared, seen, tidy

ROOT = Path(__file__).parents[2]
CHANGES = (
    "fsync,fdatasync,rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,write,pwrite64,"
    "writev,sendfile,copy_file_range,ftruncate,fallocate,chmod,fchmod,fchmodat,fchown,fchownat,lchown,utimensat"
)
Point = tuple[str, int]


@dataclass(frozen=True)
class Result:
    """What came of one point."""

    point: Point
    fired: bool
    faults: tuple[str, ...] = ()


class Scene:
    """A world in which a step begins, to be copied for each point."""

    def __init__(self, folder: Path, step: str) -> None:
        self.step, self.world = step, folder / "world"
        prepared(self.world, step)
        self.live = fingerprint(self.world / "live")

    def do(self, world: Path, *under: str) -> int:
        """Do the step in a process of its own."""
        argv = [*under, sys.executable, "-m", "tests.crash.vault_steps", str(world), self.step]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode not in (0, -9, 137):
            raise AssertionError(f"{self.step} failed: {done.stderr[-2000:]}")
        return done.returncode

    def points(self) -> list[Point]:
        """Do the step whole, and return every call that changes something."""
        with tempfile.TemporaryDirectory(prefix="crash-") as name:
            trace = Path(name, "trace")
            self.do(self._copy(Path(name)), "strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={CHANGES}")
            lines = trace.read_text(encoding="utf-8").splitlines()
        calls = Counter((found[1], found[2]) for line in lines if (found := re.match(r"(\d+) +(\w+)\(", line)))
        most: dict[str, int] = {}
        for (_, call), count in calls.items():
            most[call] = max(count, most.get(call, 0))
        return [(call, number) for call, count in sorted(most.items()) for number in range(1, count + 1)]

    def attempt(self, point: Point) -> Result:
        """Kill at the point, and judge the world then, after tidying up, after another kill, and after going on."""
        with tempfile.TemporaryDirectory(prefix="crash-") as name:
            world = self._copy(Path(name))
            if not self._killed(world, point):
                return Result(point, fired=False)
            found = faults(world, self.live)
            given_up = Path(name, "given up")
            shutil.copytree(world, given_up, symlinks=True)
            tidy(given_up)
            found += faults(given_up, self.live)
            found += [text for text in left(given_up) if "restored" not in text]
            self._killed(world, (point[0], 1))
            found += faults(world, self.live)
            assert self.do(world) == 0
            return Result(point, True, tuple(found + self._finished(world)))

    def _finished(self, world: Path) -> list[str]:
        found = faults(world, self.live) + left(world)
        if (now := seen(world)) != STEPS[self.step].seen:
            found.append(f"these are seen: {sorted(now)}")
        return found

    def _killed(self, world: Path, point: Point) -> bool:
        call, number = point
        inject = f"inject={call}:signal=KILL:when={number}"
        return self.do(world, "strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={call}", "-e", inject) != 0

    def _copy(self, folder: Path) -> Path:
        shutil.copytree(self.world, folder / "world", symlinks=True)
        return folder / "world"


def kills(step: str, calls: Iterable[str] = ()) -> list[Result]:
    """Kill a step at every call that changes something, or at every one of the `calls`."""
    with tempfile.TemporaryDirectory(prefix="crash-") as name, ThreadPoolExecutor(3) as pool:
        scene, wanted = Scene(Path(name), step), set(calls)
        return list(pool.map(scene.attempt, [point for point in scene.points() if not wanted or point[0] in wanted]))
