"""A copy of a folder is complete and compared before it has its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstay.kinds.files import KIND
from mainstay.kinds.files.copying import make_copy
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.snapshot import Params
from mainstay.kinds.files.store import FilesStore
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.store import Source, unhurried
from tests.kinds.files.conftest import Folder, undo_of

Write = Callable[..., Path]


def _copy(folder: Folder, into: Path) -> Path:
    (step,), _ = folder.plan("snapshot", Params(into))
    assert folder.do("snapshot", step) is None
    return Path(step.args["path"])


def test_a_copy_has_content_modes_links_and_times(folder: Folder, write: Write, tmp_path: Path) -> None:
    os.utime(write("a/one", "content", 0o604), (1, 1))
    (folder.path / "link").symlink_to("a/one")
    tree = _copy(folder, tmp_path / "copies") / "tree"
    assert (tree / "a/one").read_text(encoding="ascii") == "content"
    seen = os.stat(tree / "a/one")
    assert (seen.st_mode & 0o777, seen.st_mtime) == (0o604, 1)
    assert os.readlink(tree / "link") == "a/one"


def test_what_is_excluded_is_not_copied(folder: Folder, write: Write, tmp_path: Path) -> None:
    write("cache/huge")
    write("kept")
    folder.settings = Settings(folder.path, exclude=("cache",))
    assert sorted(os.listdir(_copy(folder, tmp_path / "copies") / "tree")) == ["kept"]


def test_verification_sees_a_missing_and_a_damaged_copy(folder: Folder, write: Write, tmp_path: Path) -> None:
    write("one", "content")
    (step,), _ = folder.plan("snapshot", Params(tmp_path / "copies"))
    task, before = KIND.task("snapshot"), folder.look("snapshot", step.on)
    assert task.verify(before, before, step) == f"{step.args['path']} is not there"
    folder.do("snapshot", step)
    (Path(step.args["path"]) / "tree/one").write_text("CONTENT", encoding="ascii")
    assert task.verify(before, folder.look("snapshot", step.on), step) == f"{step.args['path']} does not hold what was copied"


def test_undo_removes_the_copy_and_what_was_half_made(folder: Folder, write: Write, tmp_path: Path) -> None:
    write("one")
    (step,), _ = folder.plan("snapshot", Params(tmp_path / "copies"))
    folder.do("snapshot", step)
    (tmp_path / "copies" / f".{Path(step.args['path']).name}.part").mkdir()
    assert folder.do("snapshot", undo_of(step)) is None
    assert list((tmp_path / "copies").iterdir()) == []


def test_a_second_attempt_clears_what_the_first_left_half_made(folder: Folder, write: Write, tmp_path: Path) -> None:
    write("one")
    (step,), _ = folder.plan("snapshot", Params(tmp_path / "copies"))
    (tmp_path / "copies" / f".{Path(step.args['path']).name}.part" / "tree").mkdir(parents=True)
    assert folder.do("snapshot", step) is None
    assert folder.do("snapshot", step) is None


def test_without_room_nothing_is_begun(folder: Folder, write: Write, elsewhere: Path) -> None:
    with write("sparse").open("r+b") as file:
        file.truncate(1 << 43)
    (step,), _ = folder.plan("snapshot", Params(elsewhere))
    with pytest.raises(StepFailed, match=r"needs 17\.6 TB, .* are free"):
        KIND.task("snapshot").apply(folder.session, step, Deadline(Duration(10)))
    assert not (elsewhere / "folder-run-1").exists()
    KIND.task("snapshot").apply(folder.session, undo_of(step), Deadline(Duration(10)))
    assert list(elsewhere.iterdir()) == []


class _FaultyDisk(FilesStore):
    """Writes one byte wrong."""

    def load(self, source: Source, place: str, only: str = "") -> None:
        super().load(source, place)
        Path(place, "one").write_bytes(b"y")


def test_a_copy_that_differs_from_what_was_read_gets_no_name(folder: Folder, write: Write, tmp_path: Path) -> None:
    write("one", "x")
    with pytest.raises(StepFailed, match="the copy differs"):
        make_copy(_FaultyDisk(folder.path), tmp_path / "copy", unhurried())
    assert not (tmp_path / "copy").exists()


def test_a_copy_into_the_folder_itself_is_refused(folder: Folder) -> None:
    steps, (skip,) = folder.plan("snapshot", Params(folder.path / "copies"))
    assert (steps, skip.because.param) == ([], "into")
