"""The page on restoring without Mainstay is true: its commands are run as they are written, on a copy with deltas."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.sqlite.content import measure
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.system.process import Door
from mainstay.vault import keys as pairs
from mainstay.vault import remotes
from mainstay.vault.backup import Order, make
from mainstay.vault.copies import Copies
from mainstay.vault.copy import copy
from mainstay.vault.keys import Keys
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.remotes import DiskSettings
from mainstay.vault.repository import create_repository
from mainstay.vault.store import Store, unhurried

PAGE = Path(__file__).parents[1] / "docs" / "restore-without-mainstay.md"
FIRST, SECOND = BackupId("20261120T020000Z.x.run-1"), BackupId("20261121T020000Z.x.run-2")


def _script() -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


def _back_up(folder: Path, store: Store, id: BackupId, previous: BackupId | None = None) -> Manifest:
    """Make a backup and its copy in `folder`/copy."""
    (folder / "copy").mkdir(exist_ok=True)
    (folder / "copy" / ".mainstay-remote").touch()
    repository = create_repository(folder / "repo")
    manifest = make(repository, store, Order(id, "x", id, previous=previous), unhurried())
    with remotes.opened(DiskSettings(folder / "copy")) as remote:
        copy(Copies(repository, "copy", remote, Keys(folder / "keys")), id, None, unhurried())
    return manifest


def _restored(folder: Path, id: BackupId) -> Path:
    """Run the page."""
    (folder / "work").mkdir()
    environment = {"PATH": os.environ["PATH"], "COPY": str(folder / "copy"), "ESCROW": str(folder / "escrow.txt"), "ID": id}
    done = subprocess.run(
        ["sh", "-euc", _script()], cwd=folder / "work", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    subprocess.run(["gpgconf", "--homedir", str(folder / "work" / "gnupg"), "--kill", "all"], check=True)
    return folder / "work"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pairs.generate(tmp_path / "keys", tmp_path / "escrow.txt", "demo", Door())
    return tmp_path


@pytest.mark.covers("BKP-13")
def test_a_folder_is_restored_by_stock_tools(folder: Path) -> None:
    up = folder / "up"
    (up / "deep" / "er").mkdir(parents=True)
    (up / "deep" / "random").write_bytes(os.urandom(20 << 20))
    (up / "deep" / "er" / "link").symlink_to("../random")
    (up / "empty").touch()
    _back_up(folder, FilesStore(up), FIRST)
    with (up / "deep" / "random").open("r+b") as file:
        file.seek(5 << 20)
        file.write(b"changed")
    manifest = _back_up(folder, FilesStore(up), SECOND, FIRST)
    assert any(stream.base for stream in manifest.streams), "this has to be read as a delta"
    restored = _restored(folder, SECOND) / "restored"
    compared = subprocess.run(["diff", "-r", "--no-dereference", str(up), str(restored)], capture_output=True, check=False)
    assert compared.stdout == b""
    assert (restored / "deep" / "er" / "link").is_symlink()


def test_a_database_is_restored_by_stock_tools(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "app.db")) as app:
        app.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)")
        app.executemany("INSERT INTO orders(note) VALUES (?)", ((f"order {n}" * 20,) for n in range(30_000)))
        app.commit()
        _back_up(folder, SqliteStore(folder / "app.db"), FIRST)
        app.execute("UPDATE orders SET note = 'changed' WHERE id % 100 = 0")
        app.commit()
        _back_up(folder, SqliteStore(folder / "app.db"), SECOND, FIRST)
        with closing(sqlite3.connect(_restored(folder, SECOND) / "restored.db")) as copied:
            assert measure(copied) == measure(app)
