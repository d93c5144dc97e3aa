"""The one door to processes: bounded, tagged, without a terminal, and ended with everything that they started."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mainstay.model.errors import Cancelled, DeadlinePassed, Refused, StepFailed, Unreachable
from mainstay.model.task import Lock
from mainstay.model.units import Duration, Size
from mainstay.system import locks, process
from mainstay.system.process import Door

SOON = Duration(20)


def test_bytes_pass_unchanged_in_both_directions() -> None:
    every = bytes(range(256)) * 4096
    done = Door(keep=Size(1 << 24)).run(["cat"], SOON, stdin=every)
    assert done.stdout == every


def test_output_is_bounded_and_the_rest_is_counted() -> None:
    done = Door(keep=Size(1000)).run([sys.executable, "-c", "print('x' * 100_000)"], SOON)
    assert len(done.stdout) == 1000
    assert done.cut == 99_001


def test_the_environment_is_its_own_and_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "swordfish")
    done = Door(tag="r/t/s").run(["/bin/sh", "-c", "env; test -t 0 || echo no terminal"], SOON, env={"MODE": "fast"})
    assert b"PGPASSWORD" not in done.stdout
    assert b"MODE=fast" in done.stdout
    assert b"MAINSTAY_STEP=r/t/s" in done.stdout
    assert done.stdout.endswith(b"no terminal\n")


@pytest.mark.covers("AUT-06")
def test_a_deadline_ends_the_process_group_and_what_left_it(tmp_path: Path) -> None:
    script = f"setsid sleep 300 & sleep 300 & echo $! > {tmp_path}/pid; trap '' TERM; sleep 300"
    with pytest.raises(DeadlinePassed, match="still at work after 500ms"):
        Door(tag="run/task/late").run(["/bin/sh", "-c", script], Duration(0.5))
    assert process.tagged("run/task/late") == []
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_wish_to_stop_ends_it() -> None:
    began = time.monotonic()
    door = Door(stop=lambda: time.monotonic() - began > 0.3)
    with pytest.raises(Cancelled):
        door.run(["sleep", "300"], SOON)


def test_a_child_that_keeps_the_pipe_open_is_not_waited_for() -> None:
    done = Door(tag="run/task/daemon").run(["/bin/sh", "-c", "sleep 300 & echo started"], SOON)
    assert done.stdout == b"started\n"
    assert process.end_tagged("run/task/daemon") == 1


def test_a_missing_program_is_named() -> None:
    with pytest.raises(Unreachable, match=r"no-such-program.*No such file"):
        Door().run(["/no-such-program"], SOON)


def test_a_lock_outlives_its_owner_while_a_child_lives(tmp_path: Path) -> None:
    owner = (
        "import sys, pathlib, os\n"
        "from mainstay.model.task import Lock\nfrom mainstay.system import locks\nfrom mainstay.system.process import Door\n"
        "held = locks.acquire(pathlib.Path(sys.argv[1]), Lock('db'), 'run 1')\n"
        "Door(inherit=(held.fd,), tag='orphan/x/y').run(['/bin/sh', '-c', 'sleep 60 & kill -9 $PPID; sleep 60'], 30.0)\n"
    )
    assert subprocess.run([sys.executable, "-c", owner, str(tmp_path)], check=False).returncode == -9
    with pytest.raises(Refused, match="run 1"):
        locks.acquire(tmp_path, Lock("db"), "run 2")
    assert process.end_tagged("orphan/x/y") >= 1
    locks.acquire(tmp_path, Lock("db"), "run 2").release()


def test_shared_locks_go_together_and_exclude_an_exclusive_one(tmp_path: Path) -> None:
    readers = [locks.acquire(tmp_path, Lock("db", exclusive=False), "reader") for _ in range(2)]
    with pytest.raises(Refused):
        locks.acquire(tmp_path, Lock("db"), "writer")
    for reader in readers:
        reader.release()
    writer = locks.acquire(tmp_path, Lock("db"), "writer")
    with locks.path_of(tmp_path, "db").open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    writer.release()


def test_a_program_that_never_stops_printing_is_ended_at_its_deadline() -> None:
    began = time.monotonic()
    with pytest.raises(DeadlinePassed):
        Door(keep=Size(1000)).run(["yes"], Duration(0.3))
    assert time.monotonic() - began < 10


def test_a_daemon_that_never_stops_printing_is_not_waited_for() -> None:
    done = Door(keep=Size(1000), tag="run/task/loud").run(["/bin/sh", "-c", "yes & exit 0"], SOON)
    assert done.code == 0
    process.end_tagged("run/task/loud")


def test_a_process_is_ended_when_its_caller_is_interrupted(tmp_path: Path) -> None:
    def interrupt() -> bool:
        if (tmp_path / "pid").exists():
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        Door(stop=interrupt).run(
            ["/bin/sh", "-c", f"echo $$ > {tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid; sleep 300"], SOON
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_a_program_says_cannot_steer_the_terminal() -> None:
    done = Door().run(["/bin/sh", "-c", r"printf 'bad\033]0;owned\007\000\377\n' >&2; exit 1"], SOON)
    with pytest.raises(StepFailed) as failed:
        done.require("it failed")
    assert str(failed.value).isprintable()


def test_a_daemon_that_a_step_left_on_purpose_does_not_keep_its_locks(tmp_path: Path) -> None:
    with locks.acquire_all(tmp_path, [Lock("db")], "run 1") as held:
        Door(tag="run/task/server", inherit=(held[0].fd,)).run(["/bin/sh", "-c", "sleep 300 >/dev/null 2>&1 &"], SOON)
    locks.acquire(tmp_path, Lock("db"), "run 2").release()
    assert process.end_tagged("run/task/server") == 1


@pytest.mark.parametrize("plant", ["symlink", "folder"])
def test_a_lock_file_that_is_something_else_is_refused(tmp_path: Path, plant: str) -> None:
    path = locks.path_of(tmp_path, "db")
    path.mkdir() if plant == "folder" else path.symlink_to("/etc/passwd")
    with pytest.raises(Refused, match=r"lock.*db\.lock"):
        locks.acquire(tmp_path, Lock("db"), "run 1")
