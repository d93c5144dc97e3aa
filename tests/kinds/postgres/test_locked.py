"""Looks wait for nobody: what is locked is left alone, and all else is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from threading import Timer

import pytest

from mainstay.kinds import registry
from mainstay.kinds.postgres.health.rows import Sequence
from mainstay.kinds.postgres.indexes.states import named
from mainstay.kinds.postgres.indexes.use import IndexUse
from mainstay.kinds.postgres.rows import Table
from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.model.errors import Unknown
from mainstay.model.plan import Skip, Step
from mainstay.model.units import Duration
from tests.kinds.postgres.conftest import Database, Sessions, session_of, target_of
from tests.kinds.postgres.locking import NAMES, locked_database
from tests.live.postgres_server import PostgresServer

LOOKS = (
    *("activity", "amcheck", "analyze", "bloat", "check", "compact", "drop_invalid_indexes", "indexes", "performance"),
    *("reindex", "schema", "sizes", "statements", "statistics", "tune", "upgrade_check", "vacuum"),
)


@pytest.fixture(scope="module")
def locked(postgres: PostgresServer) -> Iterator[Database]:
    """Return a database with tables that nobody can open."""
    with locked_database(postgres) as database:
        yield database


@pytest.mark.parametrize("name", LOOKS)
def test_a_task_looks_judges_and_plans_while_tables_are_locked(name: str, locked: Database) -> None:
    task = registry.load("postgres").task(name)
    with session_of(target_of(locked)) as session:
        facts = task.observe(session)
    list(task.figures(facts))
    for said in (task.plan(facts, task.params(), "run-1.db.task"), task.assess(facts, task.params())):
        list(said)


def test_a_locked_table_keeps_the_size_that_was_last_known(locked: Database) -> None:
    with session_of(target_of(locked)) as session:
        seen = {one.name: one for one in session.connection.read(Table)}
    free = seen["Free"]
    for one in (seen[name] for name in NAMES):
        assert (one.heap, one.toast) == (free.heap, pytest.approx(free.toast, rel=0.05))
        assert one.indexes > 0


def test_nothing_is_planned_for_the_indexes_of_a_locked_table(locked: Database) -> None:
    task = registry.load("postgres").task("reindex")
    with session_of(target_of(locked)) as session:
        planned = task.plan(task.observe(session), task.params(), "run-1.db.task")
    rebuilt = {item.on[3] for item in planned if isinstance(item, Step)}
    skipped = {item.on[3]: str(item.because) for item in planned if isinstance(item, Skip)}
    assert "Free invalid" in rebuilt
    assert not {f"{name} invalid" for name in NAMES if name != "Free"} & rebuilt
    assert skipped["Awaited invalid"] == "under way: its table is locked"
    assert skipped["Prepared invalid"] == "under way: its table is locked"


def test_a_rebuild_that_cannot_be_looked_at_is_neither_done_nor_failed(locked: Database) -> None:
    task = registry.load("postgres").task("reindex")
    on = ("index", locked.name, "public", "Prepared_pkey")
    with session_of(target_of(locked)) as session:
        facts = task.observe(session, on)
    index = named(facts.indexes, on)
    assert index
    free = replace(index, busy="", definition="CREATE ...", valid=False)
    (step,) = task.plan(replace(facts, indexes=(free,)), task.params(), "run-1.db.task")
    assert isinstance(step, Step)
    with pytest.raises(Unknown, match="its table is locked"):
        task.verify(facts, facts, step)


def test_no_index_of_a_locked_table_is_said_to_be_needless(locked: Database) -> None:
    with session_of(target_of(locked)) as session:
        seen = [one for one in session.connection.read(IndexUse) if one.table == "Prepared"]
    assert len(seen) == 5
    assert not any(one.twin for one in seen)


def test_what_is_locked_keeps_its_turn_to_be_checked(locked: Database) -> None:
    task = registry.load("postgres").task("amcheck")
    with session_of(target_of(locked)) as session:
        verdicts = {one.on[3]: one.at for one in task.observe(session).verdicts}
    assert verdicts["Free"]
    assert verdicts["Free_pkey"]
    assert not any(verdicts[f"{name}_pkey"] or verdicts[name] for name in NAMES if name != "Free")


@pytest.mark.parametrize("seconds", [pytest.param(1.5, id="for a moment"), pytest.param(60, id="for long")])
def test_a_lock_that_cannot_be_foreseen_is_waited_for_a_few_times(database: Database, session: Sessions, seconds: float) -> None:
    timeout = Duration(1 if seconds < 60 else 0.05)
    with session(lock_timeout=timeout) as opened, database.connect() as other:
        other.execute("BEGIN").execute("LOCK TABLE pg_attrdef IN ACCESS EXCLUSIVE MODE")
        freed = Timer(seconds, other.rollback)
        freed.start()
        try:
            with nullcontext() if seconds < 60 else pytest.raises(LockNotAvailable):
                assert opened.connection.read(Sequence) == ()
        finally:
            freed.cancel()
