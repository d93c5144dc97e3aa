"""The servers that other tests run on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.live import postgres_server
from tests.live.postgres_server import MAJORS, find, missing, server

EVERY = [pytest.param(major, marks=pytest.mark.skipif(bool(missing(major)), reason=missing(major))) for major in MAJORS]
pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())


@pytest.mark.parametrize("major", EVERY)
def test_each_version_answers_on_loopback_and_leaves_no_process(tmp_path: Path, major: int) -> None:
    with server(tmp_path / "pg", major) as running:
        version = running.sql("SELECT current_setting('server_version_num')::int / 10000, host(inet_server_addr())")
        processes = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    assert version == [(major, "127.0.0.1")]
    assert len(processes) > 3
    assert not psutil.wait_procs(processes, timeout=5)[1]


@pytest.mark.parametrize("major", EVERY)
def test_each_version_has_the_extensions_that_its_tests_need(tmp_path: Path, major: int) -> None:
    with server(tmp_path / "pg", major) as running:
        running.extend()
        running.create_database('Mixed "case"')
        found = {name for (name,) in running.sql("SELECT extname FROM pg_extension", database='Mixed "case"')}
    assert found >= {"pgstattuple", "amcheck", "pg_stat_statements"}


def test_settings_are_written_where_alter_system_overrides_them(tmp_path: Path) -> None:
    with server(tmp_path / "pg", settings={"work_mem": "5MB", "cluster_name": "it's"}) as running:
        assert running.sql("SHOW cluster_name") == [("it's",)]
        running.sql("ALTER SYSTEM SET work_mem = '6MB'")
        running.stop()
        running.start()
        assert running.sql("SHOW work_mem") == [("6MB",)]


@pytest.mark.parametrize("mode", list(postgres_server.STOP))
def test_a_stopped_server_refuses_and_comes_back_with_what_was_committed(tmp_path: Path, mode: str) -> None:
    with server(tmp_path / "pg") as running:
        running.sql("CREATE TABLE kept AS SELECT 7 AS n")
        running.stop(mode)
        with pytest.raises(psycopg.OperationalError, match="refused"):
            running.sql("SELECT 1")
        running.start()
        assert running.sql("SELECT n FROM kept") == [(7,)]


def test_another_test_run_beside_this_one_closes_no_server_off_from_its_files(tmp_path: Path) -> None:
    file = tmp_path / "test_beside.py"
    file.write_text("def test_with_a_folder(tmp_path): pass")
    with server(tmp_path / "pg") as running:
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", file], check=True, timeout=60, stdout=subprocess.DEVNULL
        )
        running.sql("CHECKPOINT")


def test_a_killed_backend_is_recovered_from(tmp_path: Path) -> None:
    with server(tmp_path / "pg") as running, running.connect() as connection, running.connect() as bystander:
        running.kill_backend(connection.info.backend_pid)
        assert running.sql("SELECT 1") == [(1,)]
        for lost in (connection, bystander):
            with pytest.raises(psycopg.OperationalError):
                lost.execute("SELECT 1")


@pytest.mark.parametrize("major", EVERY)
def test_a_standby_follows_its_primary(tmp_path: Path, major: int) -> None:
    binaries = find(major)
    if not (binaries and binaries.has("pg_basebackup")):
        pytest.skip("no pg_basebackup in this package")
    with server(tmp_path / "pg", major) as primary, primary.standby(tmp_path / "other") as standby:
        assert standby.sql("SELECT pg_is_in_recovery()") == [(True,)]
        assert primary.sql("SELECT application_name FROM pg_stat_replication") == [("walreceiver",)]


@pytest.mark.parametrize("major", EVERY)
def test_programs_of_each_version_are_called_from_outside_as_well(tmp_path: Path, major: int) -> None:
    binaries = find(major)
    assert binaries
    dump = binaries.outside(tmp_path / "bin") / "pg_dump"
    if not dump.exists():
        pytest.skip("no pg_dump in this package")
    with server(tmp_path / "pg", major) as running:
        running.sql('CREATE TABLE "Two words" (n int)')
        dumped = subprocess.run([dump, "-d", running.dsn()], capture_output=True, text=True, timeout=60, check=True)
    assert 'CREATE TABLE public."Two words"' in dumped.stdout


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="shared_buffers"), server(tmp_path / "pg", settings={"shared_buffers": "no"}):
        pass


def test_one_server_is_shared_by_a_process() -> None:
    assert postgres_server.shared() is postgres_server.shared()
