"""What every act obeys, against real targets: observation changes nothing, proof is honest, a crash at any point converges."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.kind import Deferred
from mainstay.model.codec import decode, encode
from mainstay.model.errors import DeadlinePassed, MainstayError, Unknown
from mainstay.model.plan import OnUnknown, Step
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.laws.every import KILLED, KINDS, SCENES, Builder, builders
from tests.laws.scene import Scene, undo_of

MOST_KILLS = 12  # moments of one act at which it is killed; spread evenly when there are more
every_scene = pytest.mark.parametrize("build", SCENES)
every_killed = pytest.mark.parametrize("build", KILLED)

Tree = dict[str, tuple[Any, ...]]
Make = Callable[[Builder], tuple[Scene, Path]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return what builds a scene in a new folder and returns both; what a scene started ends with the test."""
    numbers = itertools.count()
    with ExitStack() as ending:

        def make(build: Builder) -> tuple[Scene, Path]:
            folder = tmp_path / f"scene-{next(numbers)}"
            folder.mkdir()
            scene = build(folder)
            ending.callback(scene.close)
            return scene, folder

        yield make


def tree(folder: Path, *, times: bool = False) -> Tree:
    """Return what lies below a folder: content, mode and, if asked for, time. SQLite's shared memory is no content."""
    found: Tree = {}
    for path in sorted(folder.rglob("*")):
        name, seen = str(path.relative_to(folder)), path.lstat()
        if path.is_symlink():
            found[name] = ("link", os.readlink(path))
        elif path.is_dir():
            found[name] = ("folder", seen.st_mode)
        elif not name.endswith(("-wal", "-shm")):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[name] = (content, seen.st_mode, *([seen.st_mtime_ns] if times else []))
    return found


def held(scene: Scene, folder: Path, *, times: bool = False) -> Any:
    """Return what a scene's target holds."""
    return scene.contents() if scene.contents else tree(folder, times=times)


def look(scene: Scene, step: Step | None = None) -> Any:
    """Observe through a new session."""
    with scene.session() as session:
        return scene.kind.observe(session, step.on if step else None)


def do(scene: Scene, step: Step, deadline: Duration | None = None) -> str | None:
    """Apply a step and return what its proof lacks, as the engine does within one session."""
    with scene.session() as session:
        before = scene.kind.observe(session, step.on)
        deferred = scene.kind.apply(session, step, Deadline(step.deadline if deadline is None else deadline))
        assert not isinstance(deferred, Deferred), str(deferred)
        return scene.kind.verify(before, scene.kind.observe(session, step.on), step)


def probe(scene: Scene, step: Step, before: Any) -> str | None:
    """Ask whether a step happened, as recovery does: with a new session, and with what the journal kept of before."""
    kept: Any = decode(scene.kind.facts, json.loads(json.dumps(encode(before))))
    return scene.kind.verify(kept, look(scene, step), step)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_task_that_acts_has_a_scene(kind: Any, make: Make) -> None:
    acting = {task.name for task in kind.tasks if task.actions}
    assert acting == {make(build)[0].task for build in builders(kind).values()}


@every_scene
def test_observing_changes_nothing(build: Builder, make: Make) -> None:
    scene, folder = make(build)
    before = held(scene, folder, times=True)
    steps = scene.steps()
    for step in steps:
        look(scene, step)
    assert held(scene, folder, times=True) == before


@every_scene
def test_a_skipped_act_is_not_proven(build: Builder, make: Make) -> None:
    scene, _ = make(build)
    for step in scene.steps():
        before = look(scene, step)
        assert probe(scene, step, before), f"{step.id} was not done, and verify says that it was"
        do(scene, step)


@every_scene
def test_a_done_act_is_proven_at_once_and_by_a_stranger(build: Builder, make: Make) -> None:
    scene, _ = make(build)
    for step in scene.steps():
        before = look(scene, step)
        assert do(scene, step) is None
        assert step.on_unknown is not OnUnknown.PROBE or probe(scene, step, before) is None


@every_scene
def test_an_act_done_twice_is_an_act_done_once(build: Builder, make: Make) -> None:
    scene, folder = make(build)
    for step in scene.steps():
        assert do(scene, step) is None
        once = held(scene, folder)
        with suppress(MainstayError):  # it may refuse
            do(scene, step)
        assert scene.acts_anew or held(scene, folder) == once


@every_scene
def test_an_undo_returns_to_the_state_before_and_bears_being_run_twice(build: Builder, make: Make) -> None:
    scene, folder = make(build)
    steps, states = scene.steps(), []
    for step in steps:
        states.append(held(scene, folder))
        do(scene, step)
    for step, state in zip(reversed(steps), reversed(states), strict=True):
        if undo := undo_of(step):
            wanted = held(scene, folder) if scene.undo_keeps else state
            for _ in range(2):
                assert do(scene, undo) is None
                assert held(scene, folder) == wanted


@every_scene
def test_an_act_whose_time_is_over_does_not_begin(build: Builder, make: Make) -> None:
    scene, folder = make(build)
    step, before = scene.steps()[0], held(scene, folder, times=True)
    with pytest.raises(DeadlinePassed):
        do(scene, step, Duration(0))
    assert held(scene, folder, times=True) == before


@every_scene
def test_nobody_says_that_an_ambiguous_act_happened(build: Builder, make: Make) -> None:
    scene, _ = make(build)
    step = scene.steps()[0]
    before = look(scene, step)
    if scene.ambiguous is None:
        assert probe(scene, step, before)
        return
    scene.ambiguous(step)
    with suppress(Unknown):
        assert probe(scene, step, before)


@every_killed
def test_an_act_killed_at_any_moment_converges(build: Builder, make: Make) -> None:
    """Killed before an effect, then probed, then done again where it did not happen: the end is that of an undisturbed act."""
    scene, folder = make(build)
    done = [_until_killed(scene, step, 0) for step in scene.steps()]
    expected = _names(scene, folder)
    for number, effects in enumerate(done):
        for moment in _moments(effects):
            scene, folder = make(build)
            _crash(scene, number, moment)
            assert _names(scene, folder) == expected, f"killed at effect {moment} of {effects} of step {number + 1}"


@every_killed
def test_an_undo_takes_back_what_was_half_done_and_bears_being_killed_itself(build: Builder, make: Make) -> None:
    scene, _ = make(build)
    for number in (number for number, step in enumerate(scene.steps()) if undo_of(step)):
        effects = _until_killed(*_before(*make(build), number)[:2], 0)
        for moment in _moments(effects):
            scene, step, folder = _before(*make(build), number)
            undo, state = undo_of(step), held(scene, folder)
            assert undo
            _until_killed(scene, step, moment)
            _until_killed(scene, undo, 1)
            assert do(scene, undo) is None
            assert scene.undo_keeps or held(scene, folder) == state, f"killed at effect {moment} of {effects}"


def _before(scene: Scene, folder: Path, number: int) -> tuple[Scene, Step, Path]:
    """Do the first steps of a scene; return it with the next step."""
    steps = scene.steps()
    for step in steps[:number]:
        assert do(scene, step) is None
    return scene, steps[number], folder


def _crash(scene: Scene, number: int, moment: int) -> None:
    for at, step in enumerate(scene.steps()):
        before = look(scene, step)
        if at == number:
            assert _until_killed(scene, step, moment) < moment  # -9, or fewer effects than the last time
            if step.on_unknown is OnUnknown.PROBE and probe(scene, step, before) is None:
                continue
            with scene.session() as session:
                scene.kind.tidy(session, step, Deadline(Duration(60)))
        assert do(scene, step) is None


def _until_killed(scene: Scene, step: Step, moment: int) -> int:
    """Do a step in a child that dies before its n-th effect; return -9, or for moment 0 the number of its effects."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _act_and_die(scene, step, moment, write)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        count = pipe.read()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), count.decode()
    return code if code else int(count)


def _act_and_die(scene: Scene, step: Step, moment: int, write: int) -> None:
    count, told = 0, b"it failed"

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        if acting and _is_effect(event, args):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    acting = False
    sys.addaudithook(hook)
    try:
        with scene.session() as session:
            acting = True
            scene.kind.apply(session, step, Deadline(step.deadline))
            acting = False
        told = str(count).encode()
    except MainstayError as error:
        told = str(error).encode()
    finally:
        os.write(write, told)
        os._exit(0 if told.isdigit() else 1)


def _is_effect(event: str, args: tuple[Any, ...]) -> bool:
    """Count what may change a file or a database or start a process; reading is none."""
    if event == "open":
        return bool(args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) or args[1] not in (None, "r", "rb")
    return event in (
        "mainstay.postgres",
        "subprocess.Popen",
        "os.rename",
        "os.remove",
        "os.link",
        "os.mkdir",
        "os.rmdir",
        "os.symlink",
        "os.chmod",
        "os.truncate",
        "shutil.rmtree",
        "os.utime",
        "os.chown",
        "os.setxattr",
    )


def _moments(effects: int) -> Iterator[int]:
    """Choose moments evenly, the first and the last among them."""
    step = max(1, -(-effects // MOST_KILLS))
    yield from sorted({*range(1, effects + 1, step), *([effects] if effects else [])})


def _names(scene: Scene, folder: Path) -> Any:
    """Return the names of all that lies there; what stands for a time, a content or a process is not compared."""
    if scene.contents:
        return scene.contents()
    return sorted(
        re.sub(r"[0-9a-f]{6,}|\d+", "#", re.sub(r"\b[0-9a-f]{2}/", "00/", str(path.relative_to(folder))))
        for path in folder.rglob("*")
        if not path.name.endswith(("-wal", "-shm")) and not re.fullmatch("[0-9a-f]{2}", path.name)
    )
