"""A small database that its application left: half empty, without statistics, with a long write-ahead log."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from mainstay.kinds.kind import NoParams
from mainstay.kinds.sqlite.optimize import OptimizeParams
from mainstay.kinds.sqlite.settings import SqliteSettings
from mainstay.kinds.sqlite.snapshot import SnapshotParams
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration, Share, Size
from tests.laws.scene import Scene


def database(folder: Path, **settings: Any) -> Target:
    """Make the database, its log as a killed application leaves it."""
    path, alive = folder / "app.db", folder / "alive.db"
    with closing(sqlite3.connect(alive, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT)")
        connection.execute("CREATE INDEX by_who ON orders(who)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO orders(who) VALUES (?)", ((f"w{i}" * 20,) for i in range(500)))
        connection.execute("COMMIT")
        connection.execute("DELETE FROM orders WHERE id > 50")
        for ending in ("", "-wal"):
            shutil.copyfile(f"{alive}{ending}", f"{path}{ending}")
    for left in folder.glob("alive.db*"):
        left.unlink()
    return Target("db", "sqlite", SqliteSettings(path, max_stall=Duration(60), **settings))


def checkpoint(folder: Path) -> Scene:
    return Scene("checkpoint", database(folder, max_wal=Size(1000)), NoParams())


def optimize(folder: Path) -> Scene:
    return Scene("optimize", database(folder), OptimizeParams())


def vacuum(folder: Path) -> Scene:
    return Scene("vacuum", database(folder, max_free_share=Share(0.01)), NoParams())


def snapshot(folder: Path) -> Scene:
    (folder / "copies").mkdir()
    return Scene("snapshot", database(folder), SnapshotParams(folder / "copies"), ambiguous=_torn)


def _torn(step: Step) -> None:
    """Half of a copy stands under the name of the whole."""
    Path(step.args["path"]).write_bytes(b"SQLite format 3\0" + os.urandom(5000))


SCENES = {"checkpoint": checkpoint, "optimize": optimize, "vacuum": vacuum, "snapshot": snapshot}
