"""Applications that may not write for a while: old sessions are drained, a write is refused, and all of it comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.run import RunRecord, Status
from mainstay.model.units import Duration
from tests.crash.die import die
from tests.engine.shop import Shop
from tests.kinds.postgres.conftest import Database

READ_ONLY = psycopg.errors.ReadOnlySqlTransaction


@dataclass
class Bakery:
    """A site whose application writes into a real database."""

    shop: Shop
    database: Database
    role: str

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return self.database.connect(self.role)

    def write(self) -> None:
        with self.connect() as connection:
            connection.execute("INSERT INTO orders VALUES (1)")

    def default(self) -> list[tuple[Any, ...]]:
        return self.database.sql("SELECT setconfig FROM pg_db_role_setting WHERE setrole = %s::regrole", self.role)

    def on(self) -> RunRecord:
        return self.shop.open().mode_on("db", Duration(600), "a copy for the auditors")

    def off(self) -> RunRecord:
        return self.shop.open().mode_off("db", "ann", "")


@pytest.fixture
def bakery(tmp_path: Path, database: Database) -> Iterator[Bakery]:
    role, shop = f"app_{database.name}", Shop(tmp_path)
    database.sql(f"CREATE ROLE {role} LOGIN; CREATE TABLE orders (id int); GRANT ALL ON orders TO {role}")
    shop.targets["db"] = {"kind": "postgres", "dsn": database.dsn, "applications": [{"role": role}]}
    shop.targets["menu"] = {"kind": "command", "argv": ["/bin/true"], "impact": "downtime", "neutral": True}
    shop.routines = {"daily": {"around": [{"db.read_only": {"drain": "300ms"}}], "tasks": ["menu.run"]}}
    yield Bakery(shop, database, role)
    database.sql(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


@pytest.mark.covers("MODE-05")
def test_a_write_is_refused_while_it_is_on_and_comes_back(bakery: Bakery) -> None:
    bakery.write()
    assert bakery.on().standing
    with pytest.raises(READ_ONLY):
        bakery.write()
    with bakery.connect() as reader:
        assert reader.execute("SELECT count(*) FROM orders").fetchall() == [(1,)]
    assert bakery.off().settled
    bakery.write()


def test_the_default_that_the_role_had_is_given_back(bakery: Bakery) -> None:
    bakery.database.sql(f"ALTER ROLE {bakery.role} IN DATABASE {bakery.database.name} SET default_transaction_read_only = off")
    before = bakery.default()
    bakery.on()
    assert bakery.default() == [(["default_transaction_read_only=on"],)]
    bakery.off()
    assert bakery.default() == before == [(["default_transaction_read_only=off"],)]


def test_a_session_that_does_not_know_it_is_ended_when_it_idles_and_waited_for_when_it_works(bakery: Bakery) -> None:
    bakery.shop.routines = {}  # whose drain is short
    with bakery.connect() as idle, bakery.connect() as busy:
        done: list[str] = []

        def work() -> None:
            with busy.transaction():
                busy.execute("INSERT INTO orders SELECT 1 FROM pg_sleep(1)")
            done.append("committed")

        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.2)
        bakery.on()
        worker.join()
        assert done == ["committed"]
        for connection in (idle, busy):
            with pytest.raises(psycopg.OperationalError):
                connection.execute("INSERT INTO orders VALUES (2)")


def test_a_transaction_that_does_not_end_is_ended_after_the_drain(bakery: Bakery) -> None:
    with bakery.connect() as stuck:
        stuck.execute("BEGIN; INSERT INTO orders VALUES (1)")
        app = bakery.shop.open()
        record = app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope))
        assert record.settled
        assert "1 of them still in a transaction after 300ms" in record.task("db.read_only").steps[0].output
        with pytest.raises(psycopg.OperationalError):
            stuck.execute("COMMIT")
    bakery.write()


def test_sessions_that_began_meanwhile_can_write_afterwards(bakery: Bakery) -> None:
    bakery.on()
    with bakery.connect() as pooled:
        pooled.execute("SELECT 1")
        bakery.off()
        with suppress(psycopg.OperationalError):
            pooled.execute("INSERT INTO orders VALUES (1)")  # ended, so that a pool opens another one
        assert pooled.closed
    bakery.write()


@pytest.mark.covers("MODE-05")
@pytest.mark.parametrize(("kind", "count"), [(events.STEP_STARTED, 1), (events.STEP_ENDED, 1), (events.STEP_STARTED, 3)])
def test_a_death_in_the_middle_gives_writing_back(bakery: Bakery, kind: str, count: int) -> None:
    bakery.shop.open()
    die(bakery.shop.folder, kind, count, "run", "daily")
    swept = bakery.shop.open().sweep()[0]
    if swept.status is Status.UNKNOWN:  # the command of the task: a person has to say whether it happened
        app = bakery.shop.open()
        app.answer(swept.id, "ann", "", yes=True)
        swept = app.resume(swept.id)
    assert swept.settled
    assert bakery.default() == []
    bakery.write()


def test_without_applications_there_is_nothing_to_keep_from_writing(bakery: Bakery) -> None:
    del bakery.shop.targets["db"]["applications"]
    record = bakery.on()
    assert record.status is Status.FAILED
    assert "read_only needs `applications`" in record.because
