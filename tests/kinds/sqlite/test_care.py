"""Each task of care does what it says, on a real database, and its proof fails when it was not done."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.sqlite.content import measure
from mainstay.model.because import Level
from mainstay.model.errors import Unreachable
from mainstay.model.plan import Step
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline

Open = Callable[..., Any]
Perform = Callable[..., list[str | None]]
PATIENT = Duration(60)


def test_vacuum_gives_unused_pages_back_and_keeps_every_row(
    tmp_path: Path, session: Open, app: sqlite3.Connection, perform: Perform
) -> None:
    app.execute("DELETE FROM orders WHERE id > 500")
    app.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size, rows = (tmp_path / "app.db").stat().st_size, measure(app)
    with session(max_stall=PATIENT) as opened:
        assert perform(opened, "vacuum") == [None]
    app.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert measure(app) == rows
    assert (tmp_path / "app.db").stat().st_size < size / 2
    assert app.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_vacuum_waits_for_no_reader_for_longer_than_busy_timeout(session: Open, app: sqlite3.Connection) -> None:
    app.executescript("DELETE FROM orders WHERE id > 500; PRAGMA journal_mode = DELETE; BEGIN; SELECT count(*) FROM orders")
    app.execute("SELECT * FROM orders LIMIT 1").fetchone()
    task = registry.load("sqlite").task("vacuum")
    with session(max_stall=PATIENT, busy_timeout=Duration(0.05)) as opened:
        step = task.plan(task.observe(opened), task.params(), "run")[0]
        assert isinstance(step, Step)
        with pytest.raises(Unreachable, match="database is locked"):
            task.apply(opened, step, Deadline(PATIENT))


def test_checkpoint_empties_a_log_that_has_grown(
    tmp_path: Path, session: Open, app: sqlite3.Connection, perform: Perform
) -> None:
    app.execute("UPDATE orders SET note = note || 'y'")
    assert (tmp_path / "app.db-wal").stat().st_size > 1_000_000
    with session(max_wal=Size(100_000)) as opened:
        assert perform(opened, "checkpoint") == [None]
    assert (tmp_path / "app.db-wal").stat().st_size == 0


def test_checkpoint_waits_for_one_of_the_application_for_which_sqlite_does_not_wait(
    tmp_path: Path, session: Open, app: sqlite3.Connection, perform: Perform
) -> None:
    app.execute("UPDATE orders SET note = note || 'y'")
    hold = "import fcntl, sys; f = open(sys.argv[1], 'r+b'); fcntl.lockf(f, fcntl.LOCK_EX, 1, 121); print(flush=True); input()"
    argv = [sys.executable, "-c", hold, str(tmp_path / "app.db-shm")]  # byte 121: WAL_CKPT_LOCK, see SQLite's walformat
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with (
            pytest.raises(AssertionError, match="in the way"),
            session(max_wal=Size(100_000), busy_timeout=Duration(0.2)) as opened,
        ):
            perform(opened, "checkpoint")
        threading.Timer(0.5, other.communicate, [b"\n"]).start()
        with session(max_wal=Size(100_000), busy_timeout=PATIENT) as opened:
            assert perform(opened, "checkpoint") == [None]
    assert (tmp_path / "app.db-wal").stat().st_size == 0


def test_checkpoint_is_deferred_while_a_reader_is_in_the_way(tmp_path: Path, session: Open, app: sqlite3.Connection) -> None:
    reader = sqlite3.connect(tmp_path / "app.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM orders LIMIT 1").fetchone()
    app.execute("UPDATE orders SET note = 'z'")
    task = registry.load("sqlite").task("checkpoint")
    with session(max_wal=Size(100_000), busy_timeout=Duration(0.05)) as opened:
        step = task.plan(task.observe(opened), task.params(), "run")[0]
        assert isinstance(step, Step)
        deferred = task.apply(opened, step, Deadline(PATIENT))
    reader.close()
    assert deferred is not None
    assert "in the way" in str(deferred.because)


def test_pragma_optimize_of_a_maintenance_connection_may_do_nothing_but_this_task_analyses(
    tmp_path: Path, session: Open, app: sqlite3.Connection, perform: Perform
) -> None:
    with session() as opened:
        assert perform(opened, "optimize") == [None]
    assert app.execute("SELECT count(*) FROM sqlite_stat1").fetchone() == (1,)
    app.execute("INSERT INTO orders(who, note) SELECT who, '' FROM orders, (SELECT 1 UNION ALL SELECT 2)")
    with session() as opened:
        assert perform(opened, "optimize", growth=2.5) == [None]
        assert perform(opened, "optimize", growth=2.5) == []


def test_snapshot_is_complete_while_half_of_the_rows_are_still_in_the_log(
    tmp_path: Path, session: Open, app: sqlite3.Connection, perform: Perform
) -> None:
    app.execute("INSERT INTO orders(who) VALUES ('only in the log')")
    with session() as opened:
        assert perform(opened, "snapshot", folder=tmp_path) == [None]
    copy = sqlite3.connect(tmp_path / "app-run-1.db.task.sqlite")
    assert measure(copy) == measure(app)
    copy.close()


def test_a_snapshot_that_was_killed_half_way_is_made_anew(
    tmp_path: Path, session: Open, app: sqlite3.Connection, perform: Perform
) -> None:
    (tmp_path / ".app-run-1.db.task.sqlite.part").write_bytes(b"half")
    with session() as opened:
        assert perform(opened, "snapshot", folder=tmp_path) == [None]
    assert not list(tmp_path.glob(".*"))


def test_integrity_names_what_is_damaged(tmp_path: Path, session: Open, app: sqlite3.Connection) -> None:
    app.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / "app.db").open("r+b") as file:
        file.seek(4096 * 40 + 100)
        file.write(os.urandom(200))
    task = registry.load("sqlite").task("integrity")
    with session() as opened:
        found = task.assess(task.observe(opened), task.params())
    assert found
    assert {one.level for one in found} == {Level.CRITICAL}


@pytest.mark.parametrize("write", [10, 150, 400])
def test_a_vacuum_that_is_killed_at_any_write_leaves_the_database_as_it_was(
    tmp_path: Path, app: sqlite3.Connection, write: int
) -> None:
    app.execute("DELETE FROM orders WHERE id % 3 = 0")
    rows = measure(app)
    app.close()
    vacuum = f"import sqlite3; sqlite3.connect({str(tmp_path / 'app.db')!r}, isolation_level=None).execute('VACUUM')"
    killed = ["strace", "-f", "-o", os.devnull, "-e", f"inject=pwrite64:signal=KILL:when={write}", sys.executable, "-c", vacuum]
    assert subprocess.run(killed, check=False).returncode in (-9, 137), "the kill did not fire"
    again = sqlite3.connect(tmp_path / "app.db")
    assert measure(again) == rows
    assert again.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    again.close()
