"""kill -9 at every system call that changes something: after looking again and going on, no line is lost and none is doubled."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from backports import zstd

from mainstay.kinds.logs.settings import Settings
from mainstay.model.codec import encode
from mainstay.model.units import Duration
from tests.kinds.logs.conftest import LINE, old_part, plan, run, settings

DRIVER = Path(__file__).with_name("logs_steps.py")
CHANGES = "link,linkat,rename,renameat,renameat2,unlink,unlinkat,fsync,fallocate,write,fchmod,fchown,utimensat,mkdir,mkdirat"
CONTENT = b"".join(LINE % number for number in range(400))
Point = tuple[str, int]


@dataclass(frozen=True)
class Scene:
    """A folder of logs, and steps that are pinned for it."""

    root: Path
    task: str
    settings: Settings
    argv: tuple[str, ...]

    def held(self) -> bytes:
        """Return every line that is kept anywhere, in order."""
        parts = sorted(self.root.rglob("app.log-*"), key=lambda path: path.name)
        plain = [zstd.decompress(path.read_bytes()) if path.suffix == ".zst" else path.read_bytes() for path in parts]
        return b"".join(plain) + (self.root / "logs" / "app.log").read_bytes()

    def leftovers(self) -> list[Path]:
        return list(self.root.rglob(".*"))

    def do(self, *before: str) -> int:
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run([*before, *self.argv], env=environment, stderr=subprocess.PIPE).returncode


def scene(root: Path, task: str, action: str) -> Scene:
    folder = root / "logs"
    folder.mkdir(parents=True, mode=0o755)
    given = settings(folder, append_only=action == "cut", delay=0, archive=root / "archive", archive_keep=Duration(86400))
    if task == "rotate":
        (folder / "app.log").write_bytes(CONTENT)
    else:
        (folder / "app.log").write_bytes(b"")
        old_part(folder, 40, CONTENT)
    for earlier in {"archive": ["compress"], "retention": ["compress", "archive"]}.get(task, []):
        run(earlier, given)
    steps = [json.dumps(encode(step)) for step in plan(task, given)[0]]
    assert [json.loads(step)["action"] for step in steps] == [action]
    return Scene(root, task, given, (sys.executable, str(DRIVER), task, json.dumps(encode(given)), *steps))


def points(one: Scene) -> list[Point]:
    """Run it whole, and return each call that changes something as its name and its number in its thread."""
    trace = one.root.with_suffix(".trace")
    assert one.do("strace", "-f", "-qq", "-o", str(trace), "-e", f"trace={CHANGES}") == 0
    calls = Counter(tuple(m.groups()) for line in trace.read_text().splitlines() if (m := re.match(r"(\d+) +(\w+)\(", line)))
    most: dict[str, int] = {}
    for (_, name), count in calls.items():
        most[name] = max(count, most.get(name, 0))
    return [(name, number) for name, count in sorted(most.items()) for number in range(1, count + 1)]


def killed(one: Scene, point: Point) -> bool:
    name, number = point
    inject = f"inject={name}:signal=KILL:when={number}"
    return one.do("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={name}", "-e", inject) in (-9, 137)


def recovered(one: Scene) -> None:
    assert one.do() == 0
    if one.task == "retention":
        assert not list(one.root.rglob("app.log-*"))
    else:
        assert one.held() == CONTENT
    assert one.leftovers() == []


ACTS = [("rotate", "rename"), ("rotate", "cut"), ("compress", "compress"), ("archive", "archive"), ("retention", "drop_archived")]


@pytest.mark.slow
@pytest.mark.parametrize(("task", "action"), ACTS)
def test_a_kill_at_any_call_and_again_during_recovery_loses_and_doubles_nothing(tmp_path: Path, task: str, action: str) -> None:
    where = points(scene(tmp_path / "whole", task, action))
    again = 0
    for index, point in enumerate(where):
        one = scene(tmp_path / str(index), task, action)
        assert killed(one, point)
        again += killed(one, (point[0], 1))
        recovered(one)
    print(f"{task}.{action}: {len(where)} kills fired, {again} more during recovery")
    assert where


@pytest.mark.covers("LOG-01", "LOG-06", "LOG-07")
@pytest.mark.parametrize(("task", "action", "name"), [(*ACTS[0], "rename"), (*ACTS[1], "fallocate"), (*ACTS[3], "unlink")])
def test_a_kill_at_the_decisive_call_loses_and_doubles_nothing(tmp_path: Path, task: str, action: str, name: str) -> None:
    calls = [point for point in points(scene(tmp_path / "whole", task, action)) if point[0].startswith(name)]
    one = scene(tmp_path / "killed", task, action)
    assert killed(one, calls[-1])
    recovered(one)
