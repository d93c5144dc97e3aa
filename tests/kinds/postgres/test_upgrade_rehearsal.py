"""A major upgrade is rehearsed on a copy: with every row counted, its time measured, and nothing left of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import NoParams
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.upgrade import pg_upgrade
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Skip, Step
from mainstay.model.target import Target
from mainstay.system import process
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import TAG, Perform, session_of
from tests.live import postgres_server
from tests.live.postgres_server import CACHE, PostgresServer

TASK = registry.load("postgres").task("upgrade_rehearsal")
NEXT = CACHE / "16" / "bin"
# 15.20 keeps an option with each column which 16.14, that came out before it, refuses.
UNREAD = "UPDATE pg_attribute SET attoptions = NULL WHERE attoptions::text LIKE '{pg_attver=%'"
pytestmark = [
    pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}"),
    pytest.mark.skipif(not (NEXT / "pg_upgrade").exists(), reason="needs PostgreSQL 16: make postgres-versions"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A cluster with a tablespace, and a folder for rehearsals beside it."""
    with postgres_server.server(tmp_path_factory.mktemp("pg"), settings={"max_wal_senders": "4"}) as running:
        for name in ("space", "scratch"):
            (running.folder / name).mkdir()
            shutil.chown(running.folder / name, running.data.owner(), running.data.group())
        running.sql(f"CREATE TABLESPACE roomy LOCATION '{running.folder}/space'")
        running.create_database("shop")
        running.sql(
            'CREATE TABLE "Or\'ders"(id int) TABLESPACE roomy; INSERT INTO "Or\'ders" SELECT generate_series(1, 5000)',
            database="shop",
        )
        running.sql("CREATE TABLE empty(id int); CREATE UNLOGGED TABLE quick AS SELECT 1", database="shop")
        running.sql(UNREAD, database="shop")
        yield running


def target(server: PostgresServer, **settings: Any) -> Target:
    known = {"next_programs": NEXT, "rehearsals": server.folder / "scratch", **settings}
    return Target("db", "postgres", PostgresSettings(server.dsn(), **known))


@pytest.mark.covers("DBP-18")
def test_a_copy_is_upgraded_with_all_its_rows_and_nothing_is_left_of_it(server: PostgresServer, perform: Perform) -> None:
    before = sorted((server.folder / "space").rglob("*"))
    with session_of(target(server)) as session:
        assert perform(session, "upgrade_rehearsal") == [None]
        facts = TASK.observe(session)
        [finding] = TASK.assess(facts, NoParams())
    assert facts.result.tables == 3
    assert facts.result.rows == 5000  # what is unlogged is empty in a copy
    assert facts.result.took.keys() == {"copy", "upgrade", "analyze"}
    assert "from 15 to 16: 5,000 rows in 3 tables are the same after it: copy" in str(finding.because)
    assert [path.name for path in (server.folder / "scratch").rglob("*")] == ["run-1.db.task", "result.json"]
    assert sorted((server.folder / "space").rglob("*")) == before
    assert process.tagged(TAG) == []


def test_the_folder_may_lie_deeper_than_a_socket(server: PostgresServer, perform: Perform) -> None:
    deep = server.folder / "scratch" / ("very-deep" * 12)
    deep.mkdir()
    with session_of(target(server, rehearsals=deep)) as session:
        assert perform(session, "upgrade_rehearsal") == [None]
    assert [path.name for path in deep.rglob("*")] == ["run-1.db.task", "result.json"]
    assert not pg_upgrade.sockets(deep / "run-1.db.task").exists()
    shutil.rmtree(deep)


def test_what_pg_upgrade_refuses_fails_the_rehearsal_and_its_copies_go(server: PostgresServer) -> None:
    server.sql("CREATE TABLE rights(r aclitem); CREATE VIEW shown AS SELECT * FROM rights", database="shop")
    with session_of(target(server)) as session:
        [step] = TASK.plan(TASK.observe(session), NoParams(), "run-2.task")
        assert isinstance(step, Step)
        with pytest.raises(StepFailed, match="pg_upgrade refused the copy") as refused:
            TASK.apply(session, step, Deadline(step.deadline))
        TASK.tidy(session, step, Deadline(step.deadline))
    server.sql("DROP TABLE rights CASCADE", database="shop")
    assert "aclitem" in refused.value.because
    copies = server.folder / "scratch" / "run-2.task"
    assert [one.exists() for one in (copies, pg_upgrade.sockets(copies))] == [False, False]
    assert process.tagged(TAG) == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"rehearsals": None}, "`rehearsals` names no folder for the copies"),
        ({"rehearsals": Path("/nowhere")}, "there is no folder /nowhere"),
        ({"next_programs": None}, "`next_programs` names no newer programs"),
    ],
)
def test_what_is_needed_for_a_rehearsal_is_told(server: PostgresServer, settings: dict[str, Any], why: str) -> None:
    with session_of(target(server, **settings)) as session:
        [skip] = TASK.plan(TASK.observe(session), NoParams(), "run-3.task")
    assert isinstance(skip, Skip)
    assert str(skip.because) == f"it cannot be rehearsed here: {why}"
