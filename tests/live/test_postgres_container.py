"""A server in a container: looked at over the network, while its programs run inside, where it runs."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.server import connect
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.plan import Step
from mainstay.model.setting import Place
from mainstay.model.target import Target
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from tests.live import docker_engine, postgres_server

MAJOR = 17
ROOT = postgres_server.CACHE / str(MAJOR)
BIN = f"/usr/lib/postgresql/{MAJOR}/bin"
pytestmark = [
    pytest.mark.skipif(bool(docker_engine.missing()), reason=f"needs {docker_engine.missing()}"),
    pytest.mark.skipif(not (ROOT / BIN[1:] / "pg_repack").exists(), reason=f"needs PostgreSQL {MAJOR}: make postgres-versions"),
    pytest.mark.slow,
]
STARTED = (
    f"{BIN}/initdb -D /tmp/data --auth=trust --no-sync >/dev/null"
    f" && exec {BIN}/postgres -D /tmp/data -c fsync=off -c unix_socket_directories=/tmp -c port="
)
BLOATED = """
CREATE EXTENSION pg_repack;
CREATE TABLE orders(id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off);
INSERT INTO orders SELECT g, repeat('x', 500) FROM generate_series(1, 30000) g;
DELETE FROM orders WHERE id % 4 <> 0;
VACUUM ANALYZE orders;
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session to a server in a container of the host's network; nothing is pulled."""
    port, folder = postgres_server._free_port(), tmp_path_factory.mktemp("docker")
    dsn = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
    inside = f"host=/tmp port={port} user=postgres"
    target = Target("db", "postgres", PostgresSettings(dsn, dsn_inside=inside), Place("db"))
    with docker_engine.engine(folder) as host, pytest.MonkeyPatch.context() as environment, container(host, port, folder):
        environment.setenv("DOCKER_HOST", host)
        wait(dsn, host)
        with connect(target, Door(target.place, tag="run-1/db.task/step")) as server:
            yield Session(target, Door(target.place, tag="run-1/db.task/step"), server)


@contextmanager
def container(host: str, port: int, folder: Path) -> Iterator[None]:
    """Run the server; what an engine with the host's network leaves mounted goes with it."""
    imported(host, ROOT)
    run = ["run", "-d", "--name", "db", "--network=host", "--user=postgres", "postgres"]
    docker_engine.docker(host, *run, "sh", "-c", f"{STARTED}{port}")
    try:
        yield
    finally:
        docker_engine.docker(host, "rm", "-f", "db")
        subprocess.run(["umount", folder / "exec" / "netns" / "default"], check=False)


def imported(host: str, root: Path) -> None:
    """Make an image of a folder."""
    with subprocess.Popen(["tar", "-C", root, "--one-file-system", "-c", "."], stdout=subprocess.PIPE) as tar:
        subprocess.run(["docker", "--host", host, "import", "-", "postgres"], stdin=tar.stdout, check=True, timeout=300)


def wait(dsn: str, host: str) -> None:
    """Return when the server has its tables."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                for statement in BLOATED.strip().split(";\n"):
                    connection.execute(statement.encode())
            return
        except psycopg.OperationalError:
            time.sleep(0.2)
    raise AssertionError(
        docker_engine.docker(host, "logs", "db") + subprocess.run(["docker", "logs", "db"], capture_output=True, text=True).stderr
    )


def test_the_servers_programs_are_found_and_run_inside(session: Session) -> None:
    psql = programs.find(session, "psql")
    assert psql
    assert psql.path == f"{BIN}/psql"
    assert psql.version.startswith(f"{MAJOR}.")
    done = programs.run(session, psql, ["-XAtc", "SHOW data_directory"], Duration(20), programs.reaching(session, "postgres"))
    assert done.stdout == b"/tmp/data\n"


def test_a_table_is_compacted_by_the_program_inside(session: Session) -> None:
    task, size = registry.load("postgres").task("compact"), "SELECT pg_total_relation_size('public.orders')"
    [before] = session.connection.run(size)
    planned = task.plan(task.observe(session), task.params(strategy="repack", min_waste=Size(1000)), "run-1.task")
    [step] = [item for item in planned if isinstance(item, Step)]
    facts = task.observe(session, step.on)
    assert task.apply(session, step, Deadline(step.deadline)) is None
    assert task.verify(facts, task.observe(session, step.on), step) is None
    [after] = session.connection.run(size)
    assert after[0] < before[0] / 2


def test_what_needs_the_files_of_the_server_says_that_it_runs_in_a_container(session: Session) -> None:
    task, settings = registry.load("postgres").task("upgrade_check"), replace(session.target.settings, next_programs=Path(BIN))
    facts = task.observe(replace(session, target=replace(session.target, settings=settings)))
    assert "the server runs in a container" in " ".join(str(one.because) for one in task.assess(facts, task.params(MAJOR + 1)))
