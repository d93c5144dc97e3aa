"""Settings that fit the machine: recommended, applied one by one, and gone without a trace when they are taken back."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.tuning.machine import is_title
from mainstay.kinds.postgres.tuning.parameters import TuneFacts
from mainstay.kinds.postgres.tuning.sizing import Advice, TuneParams, advise
from mainstay.model.errors import MainstayError
from mainstay.model.plan import Skip, Step
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, session_of, target_of
from tests.laws.scene import undo_of
from tests.laws.scenes.postgres_server_wide import reload
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("tune")
GROUPS = Path("/sys/fs/cgroup/memory")
WANTED: dict[str, Any] = {"apply": True, "memory": Size(2**30), "storage": "ssd"}
RUNBOOK = """
ALTER SYSTEM SET shared_buffers = '2GB'; ALTER SYSTEM SET effective_cache_size = '6GB';
ALTER SYSTEM SET maintenance_work_mem = '256MB'; ALTER SYSTEM SET checkpoint_completion_target = '0.9';
ALTER SYSTEM SET wal_buffers = '16MB'; ALTER SYSTEM SET default_statistics_target = '100';
ALTER SYSTEM SET random_page_cost = '1.1'; ALTER SYSTEM SET effective_io_concurrency = '200';
ALTER SYSTEM SET work_mem = '4MB'; ALTER SYSTEM SET min_wal_size = '1GB'; ALTER SYSTEM SET max_wal_size = '4GB';
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """Run a server whose configuration is as initdb makes it."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with postgres_server.server(tmp_path / "pg", settings={"shared_buffers": "128MB"}) as running:
        yield running


@contextmanager
def opened(server: PostgresServer, user: str = "postgres") -> Iterator[Session]:
    with session_of(target_of(Database(server, "postgres"), dsn=server.dsn(user=user))) as session:
        yield session


def look(server: PostgresServer, step: Step | None = None) -> TuneFacts:
    with opened(server) as session:
        seen: TuneFacts = TASK.observe(session, step.on if step else None)
        return seen


def planned(server: PostgresServer, **params: Any) -> list[Step | Skip]:
    return TASK.plan(look(server), TuneParams(**{**WANTED, **params}), "run-1.db.tune")


def steps(server: PostgresServer, **params: Any) -> list[Step]:
    return [one for one in planned(server, **params) if isinstance(one, Step)]


def do(server: PostgresServer, step: Step) -> str | None:
    before = look(server, step)
    with opened(server) as session:
        assert TASK.apply(session, step, Deadline(step.deadline)) is None
        return TASK.verify(before, TASK.observe(session, step.on), step)


def written(server: PostgresServer) -> list[str]:
    """Return the lines that ALTER SYSTEM has left."""
    lines = (server.data / "postgresql.auto.conf").read_text().splitlines()
    return sorted(line for line in lines if not line.startswith("#"))


def in_force(server: PostgresServer) -> list[tuple[Any, ...]]:
    """Return every setting that a new session has and that ALTER SYSTEM can change."""
    return server.sql("SELECT name, setting, pending_restart FROM pg_settings WHERE context <> 'internal' ORDER BY name")


@pytest.mark.covers("DBP-15")
def test_the_runbook_sets_nothing_at_all_in_one_command(server: PostgresServer) -> None:
    address = ["-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres"]
    said = subprocess.run(["psql", *address, "-c", RUNBOOK], capture_output=True, text=True, timeout=60, check=False)
    assert "ALTER SYSTEM cannot run inside a transaction block" in said.stderr
    assert written(server) == []


@pytest.mark.covers("DBP-15", "PRF-07")
def test_every_setting_is_changed_alone_and_all_are_taken_back_together(server: PostgresServer) -> None:
    server.sql("ALTER SYSTEM SET maintenance_work_mem = '7MB'")
    reload(server)
    before, force = written(server), in_force(server)
    done = steps(server)
    assert {step.args["name"] for step in done} >= {"shared_buffers", "random_page_cost", "maintenance_work_mem", "max_wal_size"}
    assert [do(server, step) for step in done] == [None] * len(done)
    assert len(written(server)) == len(done)
    undos = [undo for step in reversed(done) if (undo := undo_of(step))]
    assert [do(server, undo) for undo in (*undos, *undos)] == [None] * 2 * len(done)
    assert written(server) == before == ["maintenance_work_mem = '7MB'"]
    assert in_force(server) == force


@pytest.mark.covers("DBP-15")
def test_a_restart_is_named_where_it_is_needed_and_brings_the_value_into_force(server: PostgresServer) -> None:
    (step,) = (one for one in steps(server) if one.args["name"] == "shared_buffers")
    assert do(server, step) is None
    assert server.sql("SHOW shared_buffers") == [("128MB",)]
    with opened(server) as session:
        found = [f for f in TASK.assess(TASK.observe(session), TuneParams(**WANTED)) if f.because.fact == "pending_restart"]
    assert [str(one.because) for one in found] == ["pending_restart: 128MB, then 256MB"]
    server.stop()
    server.start()
    assert server.sql("SHOW shared_buffers") == [("256MB",)]
    assert "shared_buffers" not in {one.args["name"] for one in steps(server)}
    undo = undo_of(step)
    assert undo
    assert do(server, undo) is None
    assert look(server).parameter("shared_buffers").pending


def test_only_what_is_said_to_need_a_restart_does(server: PostgresServer) -> None:
    needs = {one.parameter.name for _, one in _advised(server) if one.parameter.restart}
    assert needs == {"shared_buffers"}
    for step in steps(server):
        do(server, step)
    assert {one.name for one in look(server).parameters if one.pending} == needs


def _advised(server: PostgresServer) -> list[Any]:
    return [found for found in advise(look(server), TuneParams(**WANTED)) if isinstance(found[1], Advice)]


@pytest.mark.covers("PRF-07")
def test_without_being_told_to_apply_it_changes_nothing_and_shows_the_statements(server: PostgresServer) -> None:
    assert steps(server, apply=False) == []
    found = TASK.assess(look(server), TuneParams(memory=Size(2**30)))
    advice = {one.on: one.advice for one in found if one.advice.startswith("ALTER")}
    assert advice["shared_buffers"] == "ALTER SYSTEM SET shared_buffers = '256MB'  -- takes effect with a restart"
    for statement in advice.values():
        server.sql(statement.partition(";")[0])
    assert len(written(server)) == len(advice)


def test_what_a_person_has_set_stays_and_is_named_with_its_place(server: PostgresServer) -> None:
    server.configure({"work_mem": "1MB", "random_page_cost": "2"})
    server.sql("ALTER ROLE postgres SET effective_io_concurrency = 7")
    reload(server)
    left = {one.on[1]: str(one.because) for one in planned(server) if isinstance(one, Skip)}
    assert left["effective_io_concurrency"] == "7 was set by hand: user"
    assert left["random_page_cost"].startswith(f"2 was set by hand: {server.data}/postgresql.conf:")


def test_a_file_that_the_server_cannot_read_is_found_before_a_restart(server: PostgresServer) -> None:
    server.configure({"work_men": "8MB"})
    found = [str(one.because) for one in TASK.assess(look(server), TuneParams(**WANTED))]
    assert "work_men: unrecognized configuration parameter" in found
    assert steps(server) == []


def test_secrets_of_other_settings_do_not_get_into_the_facts(server: PostgresServer) -> None:
    server.sql("ALTER SYSTEM SET primary_conninfo = 'password=planted-secret'")
    server.configure({"work_men": "planted-secret"})
    assert "planted-secret" not in repr(look(server))


def test_a_role_that_may_not_change_settings_gets_the_recommendations(server: PostgresServer) -> None:
    server.sql("CREATE ROLE plain LOGIN")
    with opened(server, "plain") as session:
        facts = TASK.observe(session)
    assert [one for one in TASK.plan(facts, TuneParams(**WANTED), "run-1.db.tune") if isinstance(one, Step)] == []
    assert any(one.advice.startswith("ALTER SYSTEM") for one in TASK.assess(facts, TuneParams(**WANTED)))


def test_a_role_with_four_grants_may_change_what_it_was_granted_and_no_more(server: PostgresServer) -> None:
    server.sql("""CREATE ROLE tuner LOGIN; GRANT ALTER SYSTEM ON PARAMETER random_page_cost TO tuner;
        GRANT EXECUTE ON FUNCTION pg_reload_conf(), pg_show_all_file_settings() TO tuner;
        GRANT SELECT ON pg_file_settings TO tuner""")
    with opened(server, "tuner") as session:
        planned = TASK.plan(TASK.observe(session), TuneParams(**WANTED), "run-1.db.tune")
        (step,) = (one for one in planned if isinstance(one, Step))
        before = TASK.observe(session, step.on)
        assert TASK.apply(session, step, Deadline(step.deadline)) is None
        assert TASK.verify(before, TASK.observe(session, step.on), step) is None
    assert written(server) == ["random_page_cost = '1.1'"]


@pytest.mark.covers("DBP-15")
def test_the_limit_of_the_servers_control_group_is_its_memory(server: PostgresServer) -> None:
    if not os.access(GROUPS / "cgroup.procs", os.W_OK):
        pytest.skip("needs control groups (version 1) that can be written")
    group = GROUPS / f"tune-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(1 << 30))
        (group / "cgroup.procs").write_text(str(server.pid))
        machine = look(server).machine
        assert (machine.memory, machine.limited) == (1 << 30, True)
    finally:
        server.stop()
        group.rmdir()


def test_a_machine_that_is_not_the_servers_is_not_taken_for_it(server: PostgresServer) -> None:
    where = look(server).where
    assert is_title(f"postgres: postgres postgres 127.0.0.1({where.port}) idle", where)
    assert not is_title(f"postgres: postgres postgres 127.0.0.1({where.port + 1}) idle", where)
    assert not is_title("/usr/bin/python3 something", where)


def test_a_value_that_makes_reads_slow_is_not_kept(server: PostgresServer) -> None:
    step = next(one for one in steps(server) if one.args["name"] == "random_page_cost")
    before = look(server, step)
    assert do(server, step) is None
    slow = TuneFacts(**{**vars(look(server, step)), "latency": Duration(before.latency * 4 + 1)})
    assert str(TASK.verify(before, slow, step)).startswith("a small read takes")
    with opened(server) as session:
        TASK.tidy(session, step, Deadline(step.deadline))
    assert written(server) == []


@pytest.mark.parametrize("name", ["random_page_cost", "shared_buffers"])
@pytest.mark.covers("DBP-15")
def test_killed_before_any_statement_nothing_is_left_behind(server: PostgresServer, name: str) -> None:
    server.sql("ALTER SYSTEM SET random_page_cost = '3.5'")
    reload(server)
    before, force = written(server), in_force(server)
    for moment in (1, 2):
        step = next(one for one in steps(server) if one.args["name"] == name)
        assert interrupted(server, step, moment, lambda: os.kill(os.getpid(), signal.SIGKILL)) == -signal.SIGKILL
        with opened(server) as session:
            TASK.tidy(session, step, Deadline(step.deadline))
        assert written(server) == before
        reload(server)
        assert in_force(server) == force
    assert do(server, step) is None


@pytest.mark.parametrize("moment", [1, 2])
@pytest.mark.covers("DBP-15")
def test_an_immediate_shutdown_at_any_statement_leaves_nothing_behind(server: PostgresServer, moment: int) -> None:
    before, force = written(server), in_force(server)
    step = next(one for one in steps(server) if one.args["name"] == "random_page_cost")
    assert interrupted(server, step, moment, lambda: shut_down(server)) == 3
    server.stop("immediate")
    server.start()
    with opened(server) as session:
        TASK.tidy(session, step, Deadline(step.deadline))
    assert (written(server), in_force(server)) == (before, force)


def shut_down(server: PostgresServer) -> None:
    """End the server at once, and return when nobody listens any more."""
    os.kill(server.pid, signal.SIGQUIT)
    while listens(server.port):
        time.sleep(0.01)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def interrupted(server: PostgresServer, step: Step, moment: int, strike: Callable[[], object]) -> int:
    """Do a step in a child, and strike right before its n-th statement; return its exit code, 3 for an error of ours."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    count = 0

    def hook(event: str, args: tuple[Any, ...]) -> None:
        nonlocal count
        count += event == "mainstay.postgres"
        if event == "mainstay.postgres" and count == moment:
            strike()

    code = 1
    sys.addaudithook(hook)
    try:
        do(server, step)
        code = 0
    except MainstayError:
        code = 3
    finally:
        os._exit(code)


def test_on_every_version_settings_are_applied_and_taken_back(any_postgres: PostgresServer) -> None:
    before, force = written(any_postgres), in_force(any_postgres)
    done = steps(any_postgres)
    assert done
    assert [do(any_postgres, step) for step in done] == [None] * len(done)
    undos = [undo for step in reversed(done) if (undo := undo_of(step))]
    assert [do(any_postgres, undo) for undo in undos] == [None] * len(done)
    assert (written(any_postgres), in_force(any_postgres)) == (before, force)
