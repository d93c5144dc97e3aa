"""A backup of a database that a routine cares for, which can be rehearsed on a copy of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from mainstay.kinds.backup.making.rehearse import RehearseParams
from mainstay.kinds.backup.settings import BackupSettings, RepositorySettings
from mainstay.kinds.kind import NoParams
from mainstay.kinds.sqlite.optimize import OptimizeParams
from mainstay.kinds.sqlite.settings import SqliteSettings
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.task import Routine, Task
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.laws.scene import Scene


def rehearse(folder: Path) -> Scene:
    """The database has no statistics yet, and was backed up so."""
    with closing(sqlite3.connect(folder / "app.db", isolation_level=None)) as database:
        database.executescript("CREATE TABLE orders(id INTEGER PRIMARY KEY, who TEXT); CREATE INDEX by_who ON orders(who)")
        database.executemany("INSERT INTO orders(who) VALUES (?)", [("ann",), ("bob",)])
    db = Target("db", "sqlite", SqliteSettings(folder / "app.db"))
    weekly = Routine("weekly", (Task("db.optimize", db, "optimize", OptimizeParams()),))
    safe = Target("safe", "backup", BackupSettings(RepositorySettings(folder / "repo"), ("db",)))
    _backed_up(Scene("backup", safe, NoParams(), others=(db,)))
    record, kept = "a record says when it was made", "what is complete stays; the undo clears what was half made"
    params = RehearseParams("weekly")
    return Scene("rehearse", safe, params, others=(db,), routines=(weekly,), undo_keeps=kept, acts_anew=record)


def _backed_up(scene: Scene) -> None:
    with scene.session() as session:
        for step in scene.kind.plan(scene.kind.observe(session), scene.params, "run-0"):
            assert isinstance(step, Step)
            scene.kind.apply(session, step, Deadline(Duration(60)))
