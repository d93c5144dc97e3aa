"""Ways to a server: a service file, TLS with a verified host, and what is told when the certificate is not good."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.rows import Table
from mainstay.kinds.postgres.server import connect
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.errors import Unreachable
from mainstay.model.setting import SecretRef
from mainstay.model.target import Target
from mainstay.system.process import Door
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer
from tests.servers import Authority

pytestmark = pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}")
ONLY_TLS = "hostssl all app 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[PostgresServer]:
    """A server with a certificate for `localhost`, that lets `app` in by TLS and password only."""
    authority.context(timedelta(days=1), timedelta(days=90))
    with postgres_server.server(tmp_path_factory.mktemp("pg")) as running:
        pem = running.data / "server.pem"
        shutil.copy(authority.folder / "server.pem", pem)
        shutil.chown(pem, running.data.owner(), running.data.group())
        pem.chmod(0o600)
        (running.data / "pg_hba.conf").write_text(ONLY_TLS)
        running.sql("CREATE ROLE app LOGIN PASSWORD 'right'")
        running.configure({"ssl": "on", "ssl_cert_file": str(pem), "ssl_key_file": str(pem)})
        running.sql("SELECT pg_reload_conf()")
        running.wait(of="SELECT 1 WHERE current_setting('ssl')::boolean")
        yield running


def seen(dsn: str, tmp_path: Path) -> tuple[Any, ...]:
    """Log in as a task does; return the role and whether the connection is encrypted."""
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text("right\n")
    target = Target("db", "postgres", PostgresSettings(dsn, SecretRef("file", str(secret))))
    with connect(target, Door()) as found:
        session = Session(target, Door(), found)
        rows: list[tuple[Any, ...]] = session.connection.run(
            "SELECT current_user::text, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        )
        return rows[0]


def test_a_host_is_verified_by_the_authority_that_is_named(server: PostgresServer, authority: Authority, tmp_path: Path) -> None:
    words = f"host=localhost hostaddr=127.0.0.1 port={server.port} user=app dbname=postgres"
    assert seen(f"{words} sslmode=verify-full sslrootcert={authority.file}", tmp_path) == ("app", True)
    uri = f"postgresql://app@localhost:{server.port}/postgres?sslmode=verify-full&sslrootcert={authority.file}&hostaddr=127.0.0.1"
    assert seen(uri, tmp_path) == ("app", True)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("host=127.0.0.1 sslmode=verify-full", "certificate"),
        ("host=localhost hostaddr=127.0.0.1 sslmode=verify-full sslrootcert=/nowhere/ca.pem", "root certificate file"),
        ("host=127.0.0.1 sslmode=disable", "pg_hba.conf"),
    ],
)
def test_a_host_that_cannot_be_verified_is_refused_and_told(
    server: PostgresServer, authority: Authority, tmp_path: Path, more: str, why: str
) -> None:
    root = "" if "sslrootcert" in more else f"sslrootcert={authority.file}"
    with pytest.raises(Unreachable) as refused:
        seen(f"{more} {root} port={server.port} user=app dbname=postgres", tmp_path)
    assert why in refused.value.because
    assert "right" not in str(refused.value)
    assert refused.value.next.startswith(("look at sslmode", "the server does not let this user in"))


def test_a_service_file_says_where_the_server_is(server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    services = tmp_path / "pg_service.conf"
    services.write_text(f"[shop]\nhost=127.0.0.1\nport={server.port}\nuser=app\ndbname=postgres\nsslmode=require\n")
    monkeypatch.setenv("PGSERVICEFILE", str(services))
    assert seen("service=shop", tmp_path) == ("app", True)


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_of_another_encoding_is_read_as_text(server: PostgresServer, encoding: str) -> None:
    name = f"old_{encoding}"
    server.sql(f"CREATE DATABASE \"{name}\" ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    with server.connect(name) as connection:
        connection.execute("SET client_encoding = 'utf8'")
        connection.execute('CREATE TABLE "größe"(x int)')
    target = Target("db", "postgres", PostgresSettings(server.dsn(name)))
    with connect(target, Door()) as found:
        assert (found.identity().database, [table.name for table in found.read(Table)]) == (name, ["größe"])
    server.sql(f'DROP DATABASE "{name}"')
