"""Real file systems to fill up and to break."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mainstay.kinds.host import KIND
from mainstay.kinds.host.facts import Disk, Facts
from mainstay.kinds.host.settings import Settings
from mainstay.kinds.kind import Session
from mainstay.model.target import Target
from mainstay.system.process import Door

Look = Callable[..., Facts]


@pytest.fixture
def look() -> Look:
    """Look at this host with some settings and, if given, the facts of an earlier look."""

    def look(last: Facts | None = None, limits: Settings | None = None) -> Facts:
        target = Target("host", "host", limits or Settings())
        facts: Facts = KIND.task("check").observe(Session(target, Door(), last=last))
        return facts

    return look


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 8 MB and 200 inodes."""
    if os.geteuid():
        pytest.skip("mounting needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=200", "small", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Path]:
    """Mount an ext4 file system that becomes read-only on an error."""
    if os.geteuid() or not Path("/dev/loop-control").exists():
        pytest.skip("mounting an image needs root and loop devices")
    image, folder = tmp_path / "image", tmp_path / "disk"
    folder.mkdir()
    with image.open("wb") as file:
        file.truncate(8 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-e", "remount-ro", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def disk_at(facts: Facts, path: Path) -> Disk:
    """Pick one mount."""
    return next(disk for disk in facts.disks if disk.path == str(path))


def told(facts: Facts, on: str) -> list[str]:
    """Return what is found wrong on one thing, as it is printed, with its level."""
    check = KIND.task("check")
    return [f"{one.level.name} {one.because}" for one in check.assess(facts, check.params()) if one.on == on and one.level]
