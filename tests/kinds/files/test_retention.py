"""Files that have had their time go; nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstay.kinds.files import KIND
from mainstay.kinds.files.due import Params
from mainstay.model.codec import decode, encode
from mainstay.model.errors import StepFailed
from mainstay.model.plan import OneWay
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline
from tests.kinds.files.conftest import Folder, undo_of

Write = Callable[..., Path]
_WEEK = Params(max_age=Duration.parse("7d"))


def _aged(path: Path, days: float) -> Path:
    then = clock.now().timestamp() - days * 86400
    os.utime(path, (then, then))
    return path


def test_only_old_files_go_and_each_has_its_reason(folder: Folder, write: Write) -> None:
    old, young = _aged(write("a/old"), 40), _aged(write("a/young"), 3)
    (step,), (skip,) = folder.plan("retention", _WEEK)
    assert isinstance(step.reverse, OneWay)
    assert step.args["files"][0][4].startswith("age 40d > 7d")
    assert skip.on == ("files", "1 from a/young on")
    assert folder.do("retention", step) is None
    assert (old.exists(), young.exists()) == (False, True)


def test_verification_says_no_when_nothing_was_done(folder: Folder, write: Write) -> None:
    _aged(write("old"), 40)
    (step,), _ = folder.plan("retention", _WEEK)
    facts = folder.look("retention", step.on)
    assert KIND.task("retention").verify(facts, facts, step) == "1 of 1 files are still there, old first"


def test_the_oldest_go_until_the_folder_is_small_enough(folder: Folder, write: Write) -> None:
    for day in range(1, 6):
        _aged(write(f"day-{day}", b"x" * 100), day)
    (step,), (skip,) = folder.plan("retention", Params(total_cap=Size(250)))
    assert [row[0] for row in step.args["files"]] == ["day-5", "day-4", "day-3"]
    assert str(skip.because) == "folder_size 200 B <= total_cap 250 B (default)"


def test_a_file_of_this_hour_stays_whatever_the_cap_says(folder: Folder, write: Write) -> None:
    write("now", b"x" * 100)
    steps, (skip,) = folder.plan("retention", Params(total_cap=Size(10)))
    assert steps == []
    assert skip.because.param == "min_age"


def test_a_file_that_a_process_has_open_is_left_alone(folder: Folder, write: Write) -> None:
    path = _aged(write("log"), 40)
    with path.open():
        steps, (skip,) = folder.plan("retention", _WEEK)
        assert steps == []
        assert str(skip.because) == "open: a process has it open"


def test_a_file_that_is_opened_after_the_plan_is_left_alone_too(folder: Folder, write: Write) -> None:
    path, other = _aged(write("log"), 40), _aged(write("other"), 40)
    (step,), _ = folder.plan("retention", _WEEK)
    with path.open():
        assert folder.do("retention", step) is None
    assert (path.exists(), other.exists()) == (True, False)


def test_a_file_that_was_replaced_or_touched_after_the_plan_stays(folder: Folder, write: Write) -> None:
    _aged(write("replaced"), 40)
    _aged(write("touched"), 40)
    (step,), _ = folder.plan("retention", _WEEK)
    (folder.path / "replaced").unlink()
    write("replaced")
    (folder.path / "touched").write_text("more", encoding="ascii")
    assert folder.do("retention", step) is None
    assert sorted(os.listdir(folder.path)) == ["replaced", "touched"]


def test_held_names_and_what_lies_below_them_stay(folder: Folder, write: Write) -> None:
    for name in ("kept", "saved/one", "loose"):
        _aged(write(name), 40)
    folder.held = frozenset({str(folder.path / "kept"), str(folder.path / "saved")})
    steps, skips = folder.plan("retention", _WEEK)
    assert [row[0] for step in steps for row in step.args["files"]] == ["loose"]
    assert {skip.on[1] for skip in skips} == {"kept", "saved/one"}


def test_what_became_held_after_the_plan_stays(folder: Folder, write: Write) -> None:
    path = _aged(write("old"), 40)
    (step,), _ = folder.plan("retention", _WEEK)
    folder.held = frozenset({str(path)})
    assert folder.do("retention", step) is None
    assert path.exists()


def test_links_pipes_and_other_names_are_never_taken(folder: Folder, write: Write, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("precious", encoding="ascii")
    (folder.path / "link").symlink_to(outside)
    os.mkfifo(folder.path / "pipe")
    _aged(write("keep.sql"), 40)
    _aged(write("old.log"), 40)
    (step,), _ = folder.plan("retention", Params(pattern=("*.log",), max_age=Duration(60)))
    assert [row[0] for row in step.args["files"]] == ["old.log"]


def test_a_folder_that_became_a_link_after_the_plan_is_not_followed(folder: Folder, write: Write, tmp_path: Path) -> None:
    path = _aged(write("sub/old"), 40)
    (step,), _ = folder.plan("retention", _WEEK)
    outside = tmp_path / "outside"
    path.parent.rename(outside)
    (folder.path / "sub").symlink_to(outside)
    with pytest.raises(StepFailed, match="cannot work in a folder"):
        KIND.task("retention").apply(folder.session, step, Deadline(Duration(10)))
    assert (outside / "old").exists()


def test_with_a_trash_files_are_moved_and_come_back(folder: Folder, write: Write, tmp_path: Path) -> None:
    for name in ("a/one", "a/two", "three"):
        _aged(write(name, name), 40)
    steps, _ = folder.plan("retention", Params(max_age=Duration(60), trash=tmp_path / "trash"))
    assert [folder.do("retention", step) for step in steps] == [None, None]
    assert [path for path in folder.path.rglob("*") if path.is_file()] == []
    assert [folder.do("retention", undo_of(step)) for step in reversed(steps)] == [None, None]
    assert (folder.path / "a/two").read_text(encoding="ascii") == "a/two"
    assert list((tmp_path / "trash").iterdir()) == []


def test_what_comes_back_overwrites_nothing(folder: Folder, write: Write, tmp_path: Path) -> None:
    _aged(write("one", "old"), 40)
    (step,), _ = folder.plan("retention", Params(max_age=Duration(60), trash=tmp_path / "trash"))
    folder.do("retention", step)
    write("one", "new")
    with pytest.raises(StepFailed, match="1 names are taken, one first"):
        folder.do("retention", undo_of(step))
    assert (folder.path / "one").read_text(encoding="ascii") == "new"
    assert (tmp_path / "trash/run-1-1/one").read_text(encoding="ascii") == "old"


def test_a_trash_inside_the_folder_is_refused(folder: Folder, write: Write) -> None:
    _aged(write("old"), 40)
    steps, (skip,) = folder.plan("retention", Params(max_age=Duration(60), trash=folder.path / "trash"))
    assert (steps, skip.because.param) == ([], "trash")


def test_a_trash_on_another_file_system_is_refused_before_anything_moves(folder: Folder, write: Write, elsewhere: Path) -> None:
    path = _aged(write("old"), 40)
    (step,), _ = folder.plan("retention", Params(max_age=Duration(60), trash=elsewhere))
    with pytest.raises(StepFailed, match="another file system"):
        folder.do("retention", step)
    assert path.exists()


_KILLED = """
import sys
from pathlib import Path
from mainstay.kinds.files import KIND
from tests.kinds.files.conftest import Folder
from mainstay.kinds.files.due import Params
from mainstay.model.units import Duration
folder = Folder(Path(sys.argv[1]))
for step in folder.plan("retention", Params(max_age=Duration(60), trash=Path(sys.argv[2])))[0]:
    folder.do("retention", step)
"""


def test_killed_between_two_files_the_probe_says_no_and_doing_it_again_ends_it(
    folder: Folder, write: Write, tmp_path: Path
) -> None:
    for number in range(6):
        _aged(write(f"f{number}"), 40 + number)
    (step,), _ = folder.plan("retention", Params(max_age=Duration(60), trash=tmp_path / "trash"))
    call = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=rename,renameat,renameat2:signal=KILL:when=3"]
    killed = subprocess.run(
        [*call, sys.executable, "-c", _KILLED, folder.path, tmp_path / "trash"], check=False, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL or killed.returncode == 128 + signal.SIGKILL, killed.stderr
    left = len(os.listdir(folder.path))
    assert 0 < left < 6
    facts = folder.look("retention", step.on)
    assert str(KIND.task("retention").verify(facts, facts, step)).startswith(f"{left} of 6 files are still there")
    assert folder.do("retention", step) is None
    assert folder.do("retention", undo_of(step)) is None
    assert len(os.listdir(folder.path)) == 6


def test_facts_come_back_from_json_unchanged(folder: Folder, write: Write) -> None:
    _aged(write("old"), 40)
    task, facts = KIND.task("retention"), folder.look("retention")
    assert decode(task.facts, encode(facts)) == facts


def test_more_than_one_run_can_take_is_left_for_the_next(folder: Folder, write: Write) -> None:
    for number in range(1005):
        _aged(write(f"{number:04}"), 40)
    (step,), (skip,) = folder.plan("retention", _WEEK)
    assert (len(step.args["files"]), step.cost.files) == (1000, 1000)
    assert str(skip.because) == "files 1,005 > 1,000"
