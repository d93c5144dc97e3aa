"""A repository with two backups of a folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from mainstay.kinds.files.store import FilesStore
from mainstay.vault.backup import Order, make
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository, create_repository
from mainstay.vault.store import Store, unhurried

settings.register_profile("vault", deadline=None)  # no test asserts a time, and this machine may be busy
settings.load_profile("vault")
START = datetime(2026, 11, 1, 2, tzinfo=UTC)
Keep = Callable[..., Manifest]


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    """Return a folder with everything a folder may hold."""
    folder = tmp_path / "uploads"
    (folder / "2025" / "deep").mkdir(parents=True)
    (folder / "r\udce9sum\u00e9 ~").mkdir()
    (folder / "top.txt").write_text("top")
    (folder / "2025" / "a.bin").write_bytes(os.urandom(50_000))
    (folder / "2025" / "script").write_text("#!/bin/sh\n")
    (folder / "2025" / "script").chmod(0o4750)
    os.chown(folder / "2025" / "script", 1234, 4321)
    (folder / "2025" / "deep" / "passwd").symlink_to("/etc/passwd")
    (folder / "2025" / "deep" / "etc").symlink_to("/etc")
    os.link(folder / "top.txt", folder / "2025" / "first")
    os.link(folder / "2025" / "a.bin", folder / "r\udce9sum\u00e9 ~" / "the same")
    with (folder / "2025" / "sparse").open("wb") as file:
        file.truncate(20 << 20)
    os.mkfifo(folder / "pipe")
    os.utime(folder / "2025", ns=(1, 1_234_567_890_123_456_789))
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return an empty repository."""
    return create_repository(tmp_path / "repo")


@pytest.fixture
def keep(repository: Repository, uploads: Path) -> Keep:
    """Return a function that makes one backup and returns its manifest."""
    made: list[Manifest] = []

    def one(store: Store | None = None) -> Manifest:
        id = BackupId.of(START + timedelta(days=len(made)), "uploads", f"run-{len(made)}")
        order = Order(id, "uploads", f"run-{len(made)}", previous=made[-1].id if made else None)
        made.append(make(repository, store or FilesStore(uploads), order, unhurried()))
        return made[-1]

    return one


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 24 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount here: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)
