"""The page on restoring without Mainstay is true: its commands are run as they are written, on copies with deltas."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.sqlite.content import measure
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.vault import coding
from tests.live.restore_page import FIRST, SECOND, back_up, restored, run, script


@pytest.mark.covers("BKP-13")
def test_a_folder_is_restored_by_stock_tools(tmp_path: Path) -> None:
    up = tmp_path / "up"
    (up / "deep" / "er").mkdir(parents=True)
    (up / "deep" / "random").write_bytes(os.urandom(20 << 20))
    (up / "deep" / "er" / "link").symlink_to("../random")
    (up / "empty").touch()
    back_up(tmp_path, FilesStore(up), FIRST)
    with (up / "deep" / "random").open("r+b") as file:
        file.seek(5 << 20)
        file.write(b"changed")
    manifest = back_up(tmp_path, FilesStore(up), SECOND, FIRST)
    assert any(stream.base for stream in manifest.streams), "this has to be read as a delta"
    copied = restored(tmp_path, SECOND) / "restored"
    compared = subprocess.run(["diff", "-r", "--no-dereference", str(up), str(copied)], capture_output=True, check=False)
    assert compared.stdout == b""
    assert (copied / "deep" / "er" / "link").is_symlink()


def test_a_base_that_was_altered_after_it_was_checked_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "up" / "deep").mkdir(parents=True)
    (file := tmp_path / "up" / "deep" / "random").write_bytes(content := os.urandom(1 << 20))
    back_up(tmp_path, FilesStore(tmp_path / "up"), FIRST)
    file.write_bytes(content[:1000] + b"changed" + content[1000:])
    (stream,) = (one for one in back_up(tmp_path, FilesStore(tmp_path / "up"), SECOND, FIRST).streams if one.base)
    before, decode, after = script().partition("decode() (")
    assert run(tmp_path, SECOND, before).returncode == 0
    assert stream.base
    base = tmp_path / "work" / "plain" / f"{stream.base.sha256}.zst"
    base.write_bytes(coding.alone(bytes(stream.base.raw_bytes))[1])
    done = run(tmp_path, SECOND, decode + after)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"{stream.name}: damaged")


def test_a_database_is_restored_by_stock_tools(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db")) as app:
        app.execute("CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)")
        app.executemany("INSERT INTO orders(note) VALUES (?)", ((f"order {n}" * 20,) for n in range(30_000)))
        app.commit()
        back_up(tmp_path, SqliteStore(tmp_path / "app.db"), FIRST)
        app.execute("UPDATE orders SET note = 'changed' WHERE id % 100 = 0")
        app.commit()
        back_up(tmp_path, SqliteStore(tmp_path / "app.db"), SECOND, FIRST)
        with closing(sqlite3.connect(restored(tmp_path, SECOND) / "restored.db")) as copied:
            assert measure(copied) == measure(app)
