"""Rotation under real writers: no line is lost, and what cannot be done safely is refused."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstay.kinds.logs import KIND
from mainstay.kinds.logs.settings import Reopen
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from tests.kinds.logs.conftest import LINE, Writer, do, joined, numbers, observe, plan, run, session, settings, tmpfs, undo

Start = Callable[..., Writer]


@pytest.mark.covers("LOG-01", "LOG-02", "LOG-04")
def test_ten_rotations_by_rename_and_signal_lose_no_line(folder: Path, writing: Start) -> None:
    writer = writing(folder / "app.log", "append", "HUP")
    given = settings(folder, size=1, reopen=Reopen(pid=writer.pid))
    for _ in range(10):
        time.sleep(0.02)
        assert [step.action for step in run("rotate", given)] == ["rename", "reopen"]
    written = writer.stop()
    assert numbers(joined(folder)) == list(range(written))
    assert len(list(folder.glob("app.log-*"))) == 10


@pytest.mark.covers("LOG-01")
def test_ten_rotations_by_cutting_the_head_lose_no_byte(folder: Path, writing: Start) -> None:
    writer = writing(folder / "app.log")
    given = settings(folder, size=4096, append_only=True)
    time.sleep(0.1)
    for _ in range(10):
        time.sleep(0.05)
        assert [step.action for step in run("rotate", given)] == ["cut"]
    written = writer.stop()
    assert numbers(joined(folder)) == list(range(written))
    assert len(list(folder.glob("app.log-*"))) == 10


def test_a_writer_without_append_is_never_cut(folder: Path, writing: Start) -> None:
    writer = writing(folder / "app.log", "offset")
    time.sleep(0.1)
    steps, skips = plan("rotate", settings(folder, append_only=True))
    assert not steps
    assert f"pid {writer.pid} (python" in str(skips[0].because)
    assert "without O_APPEND" in str(skips[0].because)


@pytest.mark.covers("LOG-03")
def test_a_process_without_a_handler_is_not_signalled(folder: Path, writing: Start) -> None:
    writer = writing(folder / "app.log", "append", "HUP")
    steps, skips = plan("rotate", settings(folder, reopen=Reopen(signal="USR1", pid=writer.pid)))
    assert not steps
    assert "has no handler for USR1" in str(skips[0].because)
    assert writer.stop() > 0


def test_a_process_that_lost_its_handler_since_the_plan_is_not_signalled(folder: Path, writing: Start) -> None:
    given = settings(folder, reopen=Reopen(pid=writing(folder / "app.log", "append", "HUP").pid))
    rename, reopen = plan("rotate", given)[0]
    reopen.args["pids"] = [writing(folder / "other.txt").pid]
    do("rotate", given, rename)
    with pytest.raises(StepFailed, match="not signalled"):
        do("rotate", given, reopen)


def test_a_writer_that_keeps_the_old_file_is_named_and_the_rename_is_taken_back(folder: Path, writing: Start) -> None:
    writer, other = writing(folder / "app.log"), writing(folder / "other.txt", "append", "HUP")
    given = settings(folder, reopen=Reopen(pid=other.pid, within=Duration(0.3)))
    rename, reopen = plan("rotate", given)[0]
    inode = os.stat(folder / "app.log").st_ino
    do("rotate", given, rename)
    with pytest.raises(StepFailed, match=f"pid {writer.pid} .* still writes"):
        do("rotate", given, reopen)
    do("rotate", given, undo(rename))
    assert os.stat(folder / "app.log").st_ino == inode
    assert sorted(path.name for path in folder.iterdir()) == ["app.log", "other.txt"]
    written = writer.stop()
    assert numbers(joined(folder)) == list(range(written))


def test_a_rename_is_not_taken_back_once_the_new_file_is_in_use(folder: Path, writing: Start) -> None:
    writer = writing(folder / "app.log", "append", "HUP")
    given = settings(folder, reopen=Reopen(pid=writer.pid))
    steps = run("rotate", given)
    left = do("rotate", given, undo(steps[0]))
    assert left is not None
    assert "in use" in str(left.because)
    written = writer.stop()
    assert numbers(joined(folder)) == list(range(written))


@pytest.mark.covers("LOG-02")
def test_one_signal_serves_all_logs_and_owner_and_mode_are_kept(folder: Path, writing: Start) -> None:
    for name in ("app.log", "error.log"):
        (folder / name).write_text("line\n")
        os.chmod(folder / name, 0o640)
        os.chown(folder / name, 1234, 1235)
    writer = writing(folder / "app.log", "append", "HUP")
    given = settings(folder, reopen=Reopen(pid=writer.pid))
    assert [step.action for step in run("rotate", given)] == ["rename", "rename", "reopen"]
    for path in (folder / "app.log", folder / "error.log"):
        seen = path.stat()
        assert (seen.st_mode & 0o777, seen.st_uid, seen.st_gid) == (0o640, 1234, 1235)


@pytest.mark.covers("LOG-01")
def test_a_second_run_within_the_period_rotates_nothing(folder: Path) -> None:
    (folder / "app.log").write_text("line\n")
    given = settings(folder)
    assert len(run("rotate", given)) == 1
    (folder / "app.log").write_text("another\n")
    steps, skips = plan("rotate", given)
    assert not steps
    assert "< every" in str(skips[0].because)


def test_two_rotations_in_one_second_get_two_names(folder: Path) -> None:
    for number in range(3):
        (folder / "app.log").write_text(f"{number}\n")
        run("rotate", settings(folder, size=1))
    assert joined(folder) == b"0\n1\n2\n"


def test_a_log_named_by_logrotate_is_left_to_it(folder: Path, tmp_path: Path) -> None:
    (folder / "app.log").write_text("line\n")
    (tmp_path / "app").write_text(f"{folder}/*.log {{\n  daily\n  postrotate\n    kill -HUP ${{PID}}\n  endscript\n}}\n")
    steps, skips = plan("rotate", settings(folder, rivals=(tmp_path,)))
    assert not steps
    assert str(skips[0].because) == f"rotated by another program too: {tmp_path}/app"


def test_cutting_is_refused_where_the_file_system_cannot(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "1m,mode=755") as folder:
        (folder / "app.log").write_bytes(bytes(9000))
        steps, skips = plan("rotate", settings(folder, append_only=True))
    assert not steps
    assert "cannot cut a file at its head" in str(skips[0].because)


def test_links_and_hard_links_are_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shadow").write_text("secret\n")
    (folder / "a.log").symlink_to(tmp_path / "shadow")
    (folder / "b.log").hardlink_to(tmp_path / "shadow")
    found = {Path(stream.path).name: stream.unsafe for stream in observe(settings(folder)).streams}
    assert found == {"a.log": "it is not a regular file", "b.log": "it has 2 names (hard links)"}
    assert not plan("rotate", settings(folder))[0]


def test_root_does_not_work_in_a_folder_that_others_can_write_to(folder: Path) -> None:
    (folder / "app.log").write_text("line\n")
    folder.chmod(0o777)
    steps, skips = plan("rotate", settings(folder))
    assert not steps
    assert "written by everybody" in str(skips[0].because)


def test_a_folder_replaced_by_a_link_since_the_plan_is_not_entered(folder: Path, tmp_path: Path) -> None:
    (folder / "app.log").write_text("line\n")
    given = settings(folder)
    step = plan("rotate", given)[0][0]
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    with pytest.raises(StepFailed, match="cannot enter a folder"):
        do("rotate", given, step)


@pytest.mark.parametrize("name", ["new\nline.log", "$(touch x).log", "a b'\".log", "-rf.log"])
def test_strange_names_are_only_names(folder: Path, name: str) -> None:
    (folder / name).write_text("line\n")
    run("rotate", settings(folder))
    run("compress", settings(folder, delay=0))
    assert joined(folder, name) == b"line\n"


def test_a_name_that_is_not_utf8_is_reported_and_left(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.log")).write_text("line\n")
    _, skips = plan("rotate", settings(folder))
    assert "not UTF-8" in str(skips[0].because)


def test_observing_changes_nothing(folder: Path) -> None:
    (folder / "app.log").write_bytes(bytes(9000))
    before = sorted(os.listdir(folder)), (folder / "app.log").stat().st_mtime_ns, folder.stat().st_mtime_ns
    plan("rotate", settings(folder, append_only=True))
    assert before == (sorted(os.listdir(folder)), (folder / "app.log").stat().st_mtime_ns, folder.stat().st_mtime_ns)


def test_applying_twice_is_applying_once(folder: Path) -> None:
    for given in (settings(folder, size=1), settings(folder, size=1, append_only=True)):
        (folder / "app.log").write_bytes(LINE % 0 * 200)
        step = plan("rotate", given)[0][0]
        for _ in range(2):
            do("rotate", given, step)
    assert joined(folder) == LINE % 0 * 400


def test_a_step_that_was_not_done_does_not_verify(folder: Path) -> None:
    for given in (settings(folder), settings(folder, append_only=True)):
        (folder / "app.log").write_bytes(bytes(9000))
        kind, step = KIND.task("rotate"), plan("rotate", given)[0][0]
        seen = kind.observe(session(given), step.on)
        assert kind.verify(seen, seen, step)
