"""A rebuild that is killed in any of its phases, in any way, leaves no invalid index once it was looked at again."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import psycopg
import pytest

from mainstay.kinds import registry
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, fresh_database, session_of, target_of
from tests.kinds.postgres.prepare import prepare
from tests.kinds.postgres.rebuilding import BLOATED, HOLDERS, SMALL, indexes
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer, server

TASK = registry.load("postgres").task("reindex")
TAG = "run-1/db.reindex/reindex By who"
PHASE = "SELECT pid FROM pg_stat_progress_create_index WHERE phase = %s"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a server that may be killed."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with server(tmp_path_factory.mktemp("pg")) as running:
        running.extend()
        yield running


@pytest.fixture
def bloated(own: PostgresServer) -> Iterator[Database]:
    """Return a database with a bloated index."""
    with fresh_database(own) as made:
        prepare(made, BLOATED)
        yield made


def plan(target: Target) -> Step:
    with session_of(target, TAG) as session:
        return next(one for one in TASK.plan(TASK.observe(session), SMALL, "run-1") if isinstance(one, Step))


def act(target: Target, step: Step) -> None:
    with session_of(target, TAG) as session:
        TASK.apply(session, step, Deadline(Duration(60)))


def forked(target: Target, step: Step, hook: Callable[[str], None] = lambda _: None) -> int:
    """Do a step in a child process; return its pid."""
    child = os.fork()
    if child == 0:
        sys.addaudithook(lambda event, args: hook(args[0]) if event == "mainstay.postgres" else None)
        try:
            act(target, step)
        finally:
            os._exit(0)
    return child


def settle(target: Target, step: Step) -> None:
    """Look, tidy up and do it again where it did not happen, as recovery does in another process."""
    with session_of(target, TAG) as session:
        before = TASK.observe(session, step.on)
        if TASK.verify(before, before, step):
            TASK.tidy(session, step, Deadline(Duration(60)))
            left = TASK.observe(session, step.on).indexes
            assert [one.name for one in left] == ["By who"], "tidy leaves nothing"
            TASK.apply(session, step, Deadline(step.deadline))
        assert TASK.verify(before, TASK.observe(session, step.on), step) is None


def waiting(database: Database, phase: str) -> int:
    """Return the backend that has come to a phase."""
    until = time.monotonic() + 20
    while not (found := database.sql(PHASE, phase)):
        assert time.monotonic() < until, f"nobody came to {phase}"
        time.sleep(0.01)
    return int(found[0][0])


def kill_process(database: Database, child: int, backend: int) -> None:
    os.kill(child, signal.SIGKILL)
    with session_of(target_of(database), TAG):
        pass  # it ends the backend, which would go on for a while


def kill_backend(database: Database, child: int, backend: int) -> None:
    database.server.kill_backend(backend)


def shut_down(database: Database, child: int, backend: int) -> None:
    database.server.stop("immediate")
    database.server.start()


@pytest.mark.covers("DBP-04")
@pytest.mark.parametrize("die", [kill_process, kill_backend, shut_down])
@pytest.mark.parametrize("phase", HOLDERS)
def test_a_rebuild_that_dies_in_a_phase_converges(
    bloated: Database, phase: str, die: Callable[[Database, int, int], None]
) -> None:
    target, before = target_of(bloated), indexes(bloated)
    step = plan(target)
    with suppress(psycopg.OperationalError), bloated.connect() as holder:
        holder.execute(HOLDERS[phase].encode())
        child = forked(target, step)
        backend = waiting(bloated, phase)
        assert len(indexes(bloated)) == len(before) + 1, "it has begun"
        die(bloated, child, backend)
        os.waitpid(child, 0)
    settle(target, step)
    after = indexes(bloated)
    assert {name: one[:2] for name, one in after.items()} == {name: one[:2] for name, one in before.items()}
    assert after["By who"][2] < before["By who"][2]


@pytest.mark.parametrize("leave", [False, True])
def test_a_rebuild_killed_before_its_first_statement_converges(bloated: Database, leave: bool) -> None:
    target = target_of(bloated)
    step = plan(target)
    if leave:
        _leave_a_copy(bloated)
    child = forked(target, step, lambda _: os.kill(os.getpid(), signal.SIGKILL))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    settle(target, step)
    assert {name: valid for name, (_, valid, _) in indexes(bloated).items()} == {"By who": True, "Orders_pkey": True}


def _leave_a_copy(database: Database) -> None:
    """Leave what a rebuild leaves that somebody else has begun and lost."""
    with database.connect() as reader, database.connect() as builder:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        builder.execute("SET statement_timeout = '500ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            builder.execute('REINDEX INDEX CONCURRENTLY "By who"')
