"""Every consumer stands still while a database is worked on alone: a worker is stopped, others cannot write, all come back."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events
from tests.crash.die import die
from tests.engine.shop import Shop
from tests.kinds.postgres.conftest import Database
from tests.laws.scenes.postgres_server_wide import wait_until

WORKER = """
import psycopg, sys
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    while True:
        connection.execute("INSERT INTO orders SELECT 1 FROM pg_sleep(0.02)")
"""


@dataclass
class Works:
    """A site with a worker that writes, and a task that counts its rows twice."""

    shop: Shop
    database: Database
    role: str

    def rows(self) -> int:
        count: int = self.database.sql("SELECT count(*) FROM orders")[0][0]
        return count

    def writes(self) -> bool:
        before = self.rows()
        time.sleep(0.3)
        return self.rows() > before

    def start(self) -> App:
        os.system(f"sh {self.shop.folder}/start")
        wait_until(lambda: self.rows() > 0)
        return self.shop.open()


@pytest.fixture
def works(tmp_path: Path, database: Database) -> Iterator[Works]:
    role, shop = f"app_{database.name}", Shop(tmp_path)
    database.sql(f"CREATE ROLE {role} LOGIN; CREATE TABLE orders (id int); GRANT ALL ON orders TO {role}")
    (tmp_path / "worker.py").write_text(WORKER)
    pid, dsn = tmp_path / "worker.pid", f"{database.dsn} user={role}" if "://" not in database.dsn else ""
    dsn = dsn or psycopg.conninfo.make_conninfo(database.dsn, user=role)
    start = (
        f"env -u MAINSTAY_STEP setsid {sys.executable} {tmp_path}/worker.py '{dsn}' </dev/null >/dev/null 2>&1 & echo $! > {pid}"
    )
    (tmp_path / "start").write_text(f"kill -0 $(cat {pid}) 2>/dev/null || {{ {start}\n}}\n")
    stop = shop.script(f"kill $(cat {pid}); while kill -0 $(cat {pid}) 2>/dev/null; do sleep 0.02; done; exit 0")
    done = shop.script(f"! kill -0 $(cat {pid}) 2>/dev/null")
    undo = ["/bin/sh", str(tmp_path / "start")]
    shop.targets["worker"] = {"kind": "command", "argv": stop, "undo": undo, "done": done, "impact": "downtime"}
    shop.targets["db"] = {"kind": "postgres", "dsn": database.dsn, "applications": [{"role": role}]}
    psql = f"psql -qAtX -d '{database.dsn}' -c 'SELECT count(*) FROM orders' >> $LOG"
    shop.command("work", f"{psql}; sleep 0.5; {psql}", impact="downtime", neutral=True, on_unknown="rerun")
    shop.routines = {"alone": {"around": ["worker.hold", {"db.read_only": {"drain": "1s"}}], "tasks": ["work.run"]}}
    yield Works(shop, database, role)
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(int(pid.read_text()), signal.SIGKILL)
    wait_until(lambda: not database.sql("SELECT 1 FROM pg_stat_activity WHERE usename = %s", role))
    database.sql(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


@pytest.mark.covers("MODE-06")
def test_nobody_writes_during_the_work_and_everybody_afterwards(works: Works) -> None:
    app = works.start()
    with works.database.connect(works.role) as straggler:
        straggler.execute("BEGIN; INSERT INTO orders VALUES (1)")
        record = app.run("alone", Launch(by="ann", envelope=app.forecast("alone").envelope))
        assert record.settled, record.because
        with pytest.raises(psycopg.OperationalError):
            straggler.execute("COMMIT")
    first, second = works.shop.effects
    assert first == second
    assert works.writes()


@pytest.mark.covers("MODE-06")
def test_a_death_in_the_middle_brings_the_worker_back(works: Works) -> None:
    works.start()
    die(works.shop.folder, events.STEP_STARTED, 3, "run", "alone")
    assert not works.writes()
    assert works.shop.open().sweep()[0].settled
    assert works.writes()
