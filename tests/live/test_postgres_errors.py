"""What goes wrong at a server is told clearly: on what, why, what next; no traceback, no secret, nothing half done."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from ruamel.yaml import YAML

from tests.cli.shop import Shop
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}")
PASSWORD = f"hunter-{secrets.token_hex(8)}"
ENTRANCE = """
local   all all                   trust
host    replication postgres 127.0.0.1/32 trust
host    all postgres 127.0.0.1/32 trust
hostnossl all secure 127.0.0.1/32 reject
host    all stranger 127.0.0.1/32 reject
host    all all      127.0.0.1/32 scram-sha-256
"""
ROLES = """
CREATE ROLE app LOGIN PASSWORD 'right';
CREATE ROLE secure LOGIN PASSWORD 'right';
CREATE ROLE stranger LOGIN;
CREATE ROLE limited LOGIN PASSWORD 'right' CONNECTION LIMIT 0;
CREATE DATABASE kept;
"""
TABLES = """
CREATE TABLE orders(id int PRIMARY KEY, who text);
INSERT INTO orders SELECT g, 'w' || g FROM generate_series(1, 5000) g;
"""
EVERY = {"rules": {"every": {"table": "public.orders", "where": "true"}}}
MOVE = {"db.orphans": {"delete": True, "batch": 1}}
Site = Callable[..., Shop]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that lets only some in, and the others with a password."""
    with postgres_server.server(tmp_path_factory.mktemp("pg"), settings={"max_connections": "12"}) as running:
        for statement in ROLES.strip().split("\n"):
            running.sql(statement)
        running.sql(TABLES, database="kept")
        (running.data / "pg_hba.conf").write_text(ENTRANCE)
        running.sql("SELECT pg_reload_conf()")
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return what configures a site with one database and a password file."""

    def make(dsn: str, *tasks: Any, password: str = PASSWORD, **settings: Any) -> Shop:
        secret = tmp_path / "password"
        secret.touch(mode=0o600)
        secret.write_text(password)
        target = {"kind": "postgres", "dsn": dsn, "password": {"file": str(secret)}, **settings}
        routine = {"tasks": list(tasks or ["db.analyze"])}
        content = {"site": "shop", "timezone": "UTC", "state": str(tmp_path / "state")}
        with (tmp_path / "mainstay.yaml").open("w") as file:
            YAML().dump({**content, "targets": {"db": target}, "routines": {"daily": routine}}, file)
        return Shop(tmp_path)

    return make


def dsn(server: PostgresServer, user: str = "postgres", database: str = "kept", **more: Any) -> str:
    return make_conninfo("", **{"host": "127.0.0.1", "port": server.port, "user": user, "dbname": database, **more})


def told(shop: Shop, *words: str, code: int, **more: Any) -> str:
    """Return what the program says, in one line: it shows no traceback and no password, here or in what it keeps."""
    said = shop.run(*words, code=code, **more)
    kept = b"".join(path.read_bytes() for path in (shop.folder / "state").rglob("*") if path.is_file())
    assert PASSWORD not in said
    assert PASSWORD.encode() not in kept
    assert "Traceback" not in said
    return " ".join(said.split())


CONNECTING = [
    ("wrong password", {"user": "app"}, "password authentication failed", "the password is wrong"),
    ("refused connection", {"port": 1}, "Connection refused", "nobody listens there"),
    ("unknown host", {"host": "no-such-host.invalid"}, "failed to resolve host", "the host's name is unknown"),
    (
        "unknown service",
        {"service": "no-such-service"},
        "definition of service",
        "look at the service's name and at PGSERVICEFILE",
    ),
    ("unknown database", {"database": "gone"}, 'database "gone" does not exist', "the name is wrong, or it was dropped"),
    ("not let in", {"user": "stranger"}, "pg_hba.conf rejects connection", "the server does not let this user in from here"),
    ("no connection left for the role", {"user": "limited"}, 'too many connections for role "limited"', "the connection limit"),
    ("SSL required by the server", {"user": "secure"}, "no encryption", "the server does not let this user in from here"),
    ("SSL required by us", {"sslmode": "require"}, "server does not support SSL", "look at sslmode"),
]


@pytest.mark.parametrize(("name", "where", "because", "next"), CONNECTING, ids=[one[0] for one in CONNECTING])
def test_what_keeps_us_from_connecting_is_told(
    server: PostgresServer, site: Site, name: str, where: dict[str, Any], because: str, next: str
) -> None:
    shop = site(dsn(server, **where), password="right" if where.get("user") == "limited" else PASSWORD)
    said = told(shop, "why", "db.analyze", code=4) + told(shop, "plan", "daily", code=4) + told(shop, "run", "daily", code=1)
    assert said.count("cannot connect to PostgreSQL (db)") >= 3
    assert said.count(because) >= 3
    assert said.count(f"next: {next}") >= 3


def test_too_many_connections_are_told(server: PostgresServer, site: Site) -> None:
    with ExitStack() as crowd:
        while "too many clients" not in _refusal(server):
            crowd.enter_context(server.connect())
        said = told(site(dsn(server)), "run", "daily", code=1)
    assert "too many clients already" in said
    assert "next: all connections are in use" in said


def test_a_role_without_the_privilege_is_told_what_is_not_its_own(server: PostgresServer, site: Site) -> None:
    said = told(site(dsn(server, "app"), password="right"), "plan", "daily", code=0)
    assert "owner" in said
    assert "postgres" in said


def test_a_missing_privilege_is_told_before_anything_is_begun(server: PostgresServer, site: Site) -> None:
    server.sql("GRANT SELECT ON orders TO app", database="kept")
    shop = site(dsn(server, "app"), MOVE, password="right", orphans=EVERY)
    said = told(shop, "plan", "daily", code=0)
    assert "this role lacks DELETE and UPDATE on it; this role may not create the schema mainstay_quarantine" in said
    assert "0 steps done" in told(shop, "run", "daily", code=0)


def test_a_standby_is_looked_at_and_not_acted_on(server: PostgresServer, site: Site, tmp_path: Path) -> None:
    with server.standby(tmp_path / "standby") as standby:
        shop = site(dsn(standby), {"db.analyze": {"modified_share": "0%", "min_rows": 0}})
        assert "table kept public orders" in told(shop, "plan", "daily", code=0)
        said = told(shop, "run", "daily", code=1)
    assert "the server is in recovery" in said or "cannot execute ANALYZE during recovery" in said
    assert "point `dsn` at the primary" in said


def test_a_read_only_server_is_looked_at_and_not_acted_on(server: PostgresServer, site: Site) -> None:
    server.sql("CREATE DATABASE readonly TEMPLATE kept")
    server.sql("ALTER DATABASE readonly SET default_transaction_read_only = on")
    said = told(site(dsn(server, database="readonly"), MOVE, orphans=EVERY), "run", "daily", code=1)
    assert "the server is read-only" in said
    assert server.sql("SELECT count(*) FROM orders", database="readonly") == [(5000,)]


@pytest.mark.slow
def test_a_privilege_that_is_taken_away_meanwhile_is_told_and_the_run_goes_on_with_it(server: PostgresServer, site: Site) -> None:
    server.sql("CREATE DATABASE shared TEMPLATE kept")
    server.sql("GRANT SELECT, DELETE, UPDATE, INSERT ON orders TO app; GRANT CREATE ON DATABASE shared TO app", database="shared")
    shop = site(dsn(server, "app", "shared"), MOVE, password="right", orphans=EVERY)
    with shop.start("run", "daily") as process:
        _wait_for_moves(server, "shared", process)
        server.sql("REVOKE DELETE, INSERT ON orders FROM app", database="shared")
        said = " ".join("".join(process.communicate(timeout=60)).split())
    assert "this role may not do that" in said
    assert "docs/postgres-role.sql" in said
    assert "Traceback" not in said
    assert _everywhere(server, "shared") == 5000
    server.sql("GRANT DELETE, INSERT ON orders TO app", database="shared")
    told(shop, "resume", "last", code=0)
    assert _everywhere(server, "shared") == 5000


def test_a_server_in_recovery_that_lets_nobody_in_is_told(server: PostgresServer, site: Site, tmp_path: Path) -> None:
    with server.standby(tmp_path / "standby") as standby:
        standby.stop()
        standby.configure({"hot_standby": "off"})
        with _starting(standby):
            said = told(site(dsn(standby)), "run", "daily", code=1)
    assert "cannot connect to PostgreSQL (db)" in said
    assert "the database system is not accepting connections" in said
    assert "next: the server is" in said or "next: the server recovers" in said


def test_a_look_that_takes_too_long_is_told(server: PostgresServer, site: Site) -> None:
    rule = {"rules": {"slow": {"table": "public.orders", "where": "pg_sleep(0.1) IS NOT NULL"}}}
    shop = site(dsn(server), "db.orphans", orphans=rule, statement_timeout="1s")
    assert "not counted: canceling statement due to statement timeout" in told(shop, "plan", "daily", code=0)


def test_a_full_disk_of_the_server_is_told_and_every_row_is_where_it_was(server: PostgresServer, site: Site) -> None:
    with _small_database(server, "tight") as filler:
        shop = site(dsn(server, database="tight"), MOVE, orphans=EVERY)
        filler.write_bytes(bytes(shutil.disk_usage(filler.parent).free))
        said = told(shop, "run", "daily", code=1)
        assert "the server's disk is full" in said
        assert "next: free room on the server before anything else" in said
        assert server.sql("SELECT count(*) FROM orders", database="tight") == [(5000,)]
        assert server.sql("SELECT to_regnamespace('mainstay_quarantine')::text", database="tight") == [(None,)]


def test_a_database_that_is_dropped_in_the_middle_is_told_and_the_run_can_be_settled(server: PostgresServer, site: Site) -> None:
    server.sql("CREATE DATABASE doomed TEMPLATE kept")
    shop = site(dsn(server, database="doomed"), MOVE, orphans=EVERY)
    with shop.start("run", "daily") as process:
        _wait_for_moves(server, "doomed", process)
        server.sql("DROP DATABASE doomed WITH (FORCE)")
        said = " ".join("".join(process.communicate(timeout=60)).split())
    assert process.returncode == 1
    assert "doomed" in said
    assert "next:" in said
    assert "Traceback" not in said
    run = shop.last()["id"]
    state = told(shop, "status", code=0)
    assert 'database "doomed" does not exist next: the name is wrong, or it was dropped' in state
    assert f"mainstay settle {run}" in state
    told(shop, "settle", run, code=0)
    assert shop.last()["settled"]


def _everywhere(server: PostgresServer, database: str) -> int:
    """Return how many orders there are, in their table and in quarantine."""
    kept = server.sql(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'mainstay_quarantine'", database=database
    )
    return sum(
        server.sql(f"SELECT count(*) FROM {table}", database=database)[0][0] for table in ("orders", *(one for (one,) in kept))
    )


def _wait_for_moves(server: PostgresServer, database: str, process: subprocess.Popen[str]) -> None:
    """Return when a step moves rows in a database."""
    moving = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND query LIKE '%%FOR UPDATE OF child%%'"
    while not server.sql(moving, database):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@contextmanager
def _starting(server: PostgresServer) -> Iterator[None]:
    """Run a server that will not answer, as long as it refuses with its own words."""
    argv = server.binaries.argv("postgres", "-D", str(server.data))
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        while "not accepting connections" not in _refusal(server):
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _refusal(server: PostgresServer) -> str:
    try:
        psycopg.connect(server.dsn()).close()
    except psycopg.OperationalError as error:
        return str(error)
    return ""


@contextmanager
def _small_database(server: PostgresServer, name: str) -> Iterator[Path]:
    """Make a database on a file system of 40 MB; yield a file to fill that with."""
    if os.geteuid():
        pytest.skip("needs root to mount a small file system")
    small = server.folder / name
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", small], check=True)
    try:
        (small / "space").mkdir()
        shutil.chown(small / "space", "postgres", "postgres")
        server.sql(f"CREATE TABLESPACE {name} LOCATION '{small}/space'")
        server.sql(f"CREATE DATABASE {name} TABLESPACE {name}")
        server.sql(TABLES, database=name)
        yield small / "filler"
    finally:
        (small / "filler").unlink(missing_ok=True)
        server.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.sql(f"DROP TABLESPACE IF EXISTS {name}")
        subprocess.run(["umount", "--lazy", small], check=True)
