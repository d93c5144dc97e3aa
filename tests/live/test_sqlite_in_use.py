"""Care of a database while an application reads and writes it."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.sqlite.database import connect
from mainstay.kinds.sqlite.settings import SqliteSettings
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import unhurried

APPLICATION = """
import json, sqlite3, sys, time
c, errors, done, worst = sqlite3.connect(sys.argv[1], timeout=5, isolation_level=None), 0, 0, 0.0
c.execute("PRAGMA synchronous = NORMAL")
print("up", flush=True)
import selectors
selector = selectors.DefaultSelector()
selector.register(sys.stdin, selectors.EVENT_READ)
while not selector.select(0.005):
    began = time.perf_counter()
    try:
        c.execute("SELECT note FROM orders WHERE id = ?", (done % 900 + 1,)).fetchone()
        c.execute("INSERT INTO written(n) VALUES (?)", (done,))
        done += 1
    except sqlite3.Error:
        errors += 1
    worst = max(worst, time.perf_counter() - began)
print(json.dumps({"errors": errors, "done": done, "worst": worst}))
"""


@contextmanager
def _application(path: Path, said: dict[str, float]) -> Iterator[None]:
    """Run an application that reads and writes all the time; what it met is in `said` afterwards."""
    argv = [sys.executable, "-c", APPLICATION, str(path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        said.update(json.loads(child.communicate("stop\n")[0]))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a fragmented database in WAL mode."""
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as made:
        made.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, note TEXT)")
        made.executescript("CREATE INDEX by_note ON orders(note); CREATE TABLE written(n INTEGER)")
        made.execute("BEGIN")
        made.executemany("INSERT INTO orders(note) VALUES (?)", ((f"{n:08}" * 250,) for n in range(5000)))
        made.execute("COMMIT")
        made.execute("DELETE FROM orders WHERE id > 900")
    return tmp_path / "app.db"


def test_every_task_of_care_runs_beside_an_application_without_one_failed_statement(database: Path) -> None:
    kind, said = registry.load("sqlite"), dict[str, float]()
    settings = SqliteSettings(database, max_stall=Duration(60), max_wal=Size(0))
    target, door = Target("db", "sqlite", settings), Door()
    with _application(database, said):
        for name in ("integrity", "optimize", "checkpoint", "vacuum"):
            task = kind.task(name)
            with connect(target, door) as connection:
                session = Session(target, door, connection)
                for step in task.plan(task.observe(session), task.params(), "run-1"):
                    assert isinstance(step, Step)
                    before = task.observe(session, step.on)
                    assert task.apply(session, step, Deadline(step.deadline)) is None
                    assert task.verify(before, task.observe(session, step.on), step) is None
    assert said["errors"] == 0
    assert said["done"] > 0
    with closing(sqlite3.connect(database)) as after:
        assert after.execute("SELECT count(*), count(DISTINCT n) FROM written").fetchone() == (said["done"], said["done"])
        assert after.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_backup_beside_an_application_is_one_moment_of_it(database: Path, tmp_path: Path) -> None:
    said, store = dict[str, float](), SqliteStore(database)
    (tmp_path / "dump").mkdir()
    plain = PlainFolder(tmp_path / "dump", unhurried())
    with _application(database, said):
        dump = store.dump(plain)
    store.load(plain, str(tmp_path / "copy.db"))
    assert store.describe(str(tmp_path / "copy.db"), unhurried()).digests == dump.digests
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        count, highest = copy.execute("SELECT count(*), max(n) FROM written").fetchone()
    assert count == (0 if highest is None else highest + 1), "a moment has no gaps"
    assert said["errors"] == 0
