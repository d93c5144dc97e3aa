"""The state of a folder, and what lies around in it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mainstay.kinds.files.discover import discover
from mainstay.kinds.files.measure import Facts
from mainstay.kinds.files.settings import Settings
from mainstay.model.codec import decode, encode
from mainstay.model.units import Size
from tests.kinds.files.conftest import Folder

Write = Callable[..., Path]


def test_a_folder_is_counted_and_hard_links_only_once(folder: Folder, write: Write) -> None:
    os.link(write("a/one", b"x" * 1000), folder.path / "again")
    write("b/two", b"y" * 10)
    facts: Facts = folder.look("check")
    assert (facts.files, facts.folders, facts.size, facts.owner, facts.problems) == (3, 2, 1010, "root", 0)
    assert folder.told("check") == []
    assert decode(Facts, encode(facts)) == facts


@pytest.mark.covers("AUT-07", "DIA-02")
def test_a_folder_that_is_missing_or_none_is_told_with_what_to_do(folder: Folder, write: Write) -> None:
    folder.settings = Settings(folder.path / "missing")
    assert folder.told("check") == [f"CRITICAL {folder.path}/missing: does not exist"]
    folder.settings = Settings(write("file"))
    assert folder.told("check") == [f"CRITICAL {folder.path}/file: is not a folder"]


@pytest.mark.covers("DIA-02")
def test_owner_mode_and_limits_are_judged(folder: Folder, write: Write) -> None:
    write("one", b"x" * 2000)
    folder.path.chmod(0o777)
    folder.settings = replace(folder.settings, owner="www-data", size_warning=Size(1000), files_warning=0)
    on = folder.path
    assert folder.told("check") == [
        f"WARNING {on}: owner root != owner www-data (default)",
        f"WARNING {on}: mode: 0777",
        f"WARNING {on}: size 2 kB > size_warning 1 kB (default)",
        f"WARNING {on}: files 1 > files_warning 0 (default)",
    ]


@pytest.mark.covers("DIA-02")
def test_a_folder_on_a_read_only_file_system_is_critical(folder: Folder) -> None:
    if os.geteuid():
        pytest.skip("mounting needs root")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "test", folder.path], check=True)
    told = folder.told("check")
    subprocess.run(["umount", folder.path], check=True)
    assert f"CRITICAL {folder.path}: file system read-only != writable" in told


@pytest.mark.covers("DIA-02")
def test_what_this_user_cannot_read_is_told(elsewhere: Path) -> None:
    if os.geteuid():
        pytest.skip("becoming another user needs root")
    (elsewhere / "closed").mkdir(mode=0o700)
    elsewhere.chmod(0o755)
    os.seteuid(65534)
    told = Folder(elsewhere).told("check")
    os.seteuid(0)
    assert told == [f"WARNING {elsewhere}: cannot_be_looked_at 1 > 0"]


def test_links_out_of_the_folder_and_other_file_systems_are_not_entered(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").touch()
    (folder.path / "link").symlink_to(tmp_path / "outside")
    (folder.path / "proc").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "test", folder.path / "proc"], check=True)
    (folder.path / "proc" / "inside").touch()
    facts: Facts = folder.look("check")
    subprocess.run(["umount", folder.path / "proc"], check=True)
    assert facts.files == 0


def test_the_report_sorts_what_lies_around(folder: Folder, write: Write) -> None:
    for name in ("config.yaml.bak", "notes~", "upload.part", "empty", "core.123", "big"):
        write(name, b"" if name == "empty" else b"x" * (500 if name == "big" else 5))
    write("open", mode=0o666)
    write("suid", mode=0o4755)
    (folder.path / "dangling").symlink_to("nowhere")
    os.chown(write("orphan"), 54321, 54321)
    facts = folder.look("report")
    assert {heap.sort: heap.first for heap in facts.heaps} == {
        "world-writable": ("open",),
        "set-user-id": ("suid",),
        "orphans of deleted users": ("orphan",),
        "core files": ("core.123",),
        "broken links": ("dangling",),
        "empty files": ("empty",),
        "left-over copies": ("config.yaml.bak", "notes~"),
        "temporary files": ("upload.part",),
    }
    assert next(iter(facts.biggest.items())) == ("big", 500)
    assert f"WARNING {folder.path}: world-writable: 1 (1 B): open" in folder.told("report")


def test_a_name_that_cannot_be_printed_is_told_and_not_touched(folder: Folder) -> None:
    (folder.path / os.fsdecode(b"bad\xff\n")).touch()
    assert folder.told("check") == [f"WARNING {folder.path}: cannot_be_looked_at 1 > 0"]


def test_init_finds_applications_and_uploads(tmp_path: Path) -> None:
    for name in ("shop/compose.yaml", "shop/uploads/a.png", "shop/.git/.env", "blog/.env", "blog/node_modules/x/.env"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {one.name: (one.settings["path"], one.weekly) for one in discover((tmp_path,))}
    assert found == {
        "blog": (f"{tmp_path}/blog", ("placeholders", "audit")),
        "shop": (f"{tmp_path}/shop", ("placeholders", "audit")),
        "uploads": (f"{tmp_path}/shop/uploads", ("report",)),
    }
