"""A small database in use: half empty, without statistics, with a long write-ahead log."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import Any

from mainstay.kinds.kind import NoParams
from mainstay.kinds.sqlite.optimize import OptimizeParams
from mainstay.kinds.sqlite.settings import SqliteSettings
from mainstay.kinds.sqlite.snapshot import SnapshotParams
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration, Share, Size
from tests.laws.scene import Scene

APPLICATION = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT)")
connection.execute("CREATE INDEX by_who ON orders(who)")
connection.execute("BEGIN")
connection.executemany("INSERT INTO orders(who) VALUES (?)", ((f"w{i}" * 20,) for i in range(500)))
connection.execute("COMMIT")
connection.execute("DELETE FROM orders WHERE id > 50")
print("ready", flush=True)
sys.stdin.read()
"""


def scene(folder: Path, task: str, params: Any, *, settings: dict[str, Any] | None = None, **more: Any) -> Scene:
    """Start an application that makes the database and keeps it open."""
    path = folder / "app.db"
    application = subprocess.Popen([sys.executable, "-SE", "-c", APPLICATION, path], stdin=PIPE, stdout=PIPE)
    assert application.stdout
    assert application.stdout.readline() == b"ready\n"
    limits = SqliteSettings(path, max_stall=Duration(60), **(settings or {}))
    return Scene(task, Target("db", "sqlite", limits), params, close=application.communicate, **more)


def checkpoint(folder: Path) -> Scene:
    return scene(folder, "checkpoint", NoParams(), settings={"max_wal": Size(1000)})


def optimize(folder: Path) -> Scene:
    return scene(folder, "optimize", OptimizeParams())


def vacuum(folder: Path) -> Scene:
    return scene(folder, "vacuum", NoParams(), settings={"max_free_share": Share(0.01)}, acts_anew="VACUUM writes every page")


def snapshot(folder: Path) -> Scene:
    (folder / "copies").mkdir()
    return scene(folder, "snapshot", SnapshotParams(folder / "copies"), ambiguous=_torn)


def _torn(step: Step) -> None:
    """Half of a copy stands under the name of the whole."""
    Path(step.args["path"]).write_bytes(b"SQLite format 3\0" + os.urandom(5000))


SCENES = {"checkpoint": checkpoint, "optimize": optimize, "vacuum": vacuum, "snapshot": snapshot}
