"""An image whose tag names another major version than the data directory's is refused before anybody starts it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds.postgres.settings import Service
from mainstay.kinds.postgres.upgrade.image import Image, look, major_of
from tests.cli.shop import Shop
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

NEWER = postgres_server.find(16)
COMPOSE = """
services:
  web: {{image: shop:3}}
  db:
    image: {}
    volumes: ["data:/var/lib/postgresql/data"]
  built: {{build: .}}
volumes: {{data: {{}}}}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of version 15."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with postgres_server.server(tmp_path_factory.mktemp("pg")) as running:
        yield running


@pytest.fixture
def compose(tmp_path: Path) -> Path:
    """A Compose file whose database is of version 15."""
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE.format("postgres:15.18-alpine"))
    return file


@pytest.fixture
def shop(server: PostgresServer, compose: Path) -> Shop:
    """A site that knows the service of its database."""
    target = {"kind": "postgres", "dsn": server.dsn(), "compose": {"file": str(compose), "name": "db"}}
    site = {"site": "shop", "timezone": "UTC", "state": str(compose.parent / "state")}
    routines = {"before": {"tasks": ["db.upgrade_check"]}, "guarded": {"tasks": ["db.analyze"], "checks": ["db.upgrade_check"]}}
    text = json.dumps({**site, "targets": {"db": target}, "routines": routines})
    (compose.parent / "mainstay.yaml").write_text(text)
    return Shop(compose.parent)


def told(shop: Shop, *words: str, code: int = 0) -> str:
    return " ".join(shop.run(*words, code=code).split())


@pytest.mark.parametrize(
    ("reference", "major"),
    [
        ("postgres:16", 16),
        ("postgres:16.4-bookworm", 16),
        ("docker.io/library/postgres:17-alpine@sha256:00ff", 17),
        ("registry.example.com:5000/ours/postgresql:v13", 13),
        ("postgis/postgis:16-3.4", 16),
        ("pgvector/pgvector:pg17", 17),
        ("pgvector/pgvector:0.8.0-pg17-bookworm", 17),
        ("timescale/timescaledb:2.17.2-pg16", 16),
        ("citusdata/citus:12.1", 0),  # a version of its own
        ("postgres:latest", 0),
        ("registry.example.com:5000/postgres", 0),
        ("postgres@sha256:00ff", 0),
    ],
)
def test_a_tag_names_the_major_version(reference: str, major: int) -> None:
    assert major_of(reference) == major


@pytest.mark.parametrize(
    "written", ["postgres:${PG}", "postgres:$PG", "postgres:${PG:-15}", "${NONE:-postgres:16}", "postgres:${PG:?}"]
)
def test_variables_of_the_compose_file_are_filled_in(compose: Path, written: str) -> None:
    compose.write_text(COMPOSE.format(json.dumps(written)))
    compose.with_name(".env").write_text("OTHER=1\nPG='16'\n")
    assert look(Service(compose, "db")) == Image("postgres:16", 16)


@pytest.mark.parametrize(
    ("written", "service", "why"),
    [
        ("postgres:latest", "db", "its tag names no major version of PostgreSQL"),
        ("postgres:${PG}", "db", "PG, which its image uses, is set neither there nor in .env"),
        ("postgres:16", "base", "it has no service base"),
        ("postgres:16", "built", "the service built names no image"),
        ("'postgres", "db", "it is not YAML"),
    ],
)
def test_what_keeps_the_version_from_being_known_is_told(compose: Path, written: str, service: str, why: str) -> None:
    compose.write_text(COMPOSE.format(written))
    found = look(Service(compose, service))
    assert found is not None
    assert found.major == 0
    assert found.why_not.endswith(why)


def test_a_compose_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    file = tmp_path / "compose.yaml"
    assert look(Service(file, "db")) == Image(why_not=f"{file} cannot be read: No such file or directory")


def test_the_tag_of_the_running_version_is_no_objection(shop: Shop) -> None:
    assert "skipped" not in shop.run("plan", "before")
    shop.run("run", "guarded")
    assert "major version of its tag 15 == 15" in shop.run("show", "last")


@pytest.mark.covers("DBP-18")
def test_the_tag_of_another_major_version_is_refused(shop: Shop, compose: Path) -> None:
    compose.write_text(COMPOSE.format("postgres:16-alpine"))
    assert "postgres:16-alpine skipped major version of its tag 16 != 15" in told(shop, "plan", "before")
    advised = (
        "postgres:16-alpine: major version of its tag 16 != 15 -- do not start it: it does not read the data directory of 15"
    )
    assert advised in told(shop, "run", "before")
    said = told(shop, "run", "guarded", code=3)
    assert "a check of the routine does not pass" in said
    assert "major version of its tag 16 != 15" in said


@pytest.mark.skipif(NEWER is None, reason="needs PostgreSQL 16: make postgres-versions")
def test_what_is_refused_would_not_have_started(server: PostgresServer) -> None:
    assert NEWER is not None
    server.stop()
    tried = subprocess.run(NEWER.argv("postgres", "-D", str(server.data)), capture_output=True, text=True, timeout=60, cwd="/")
    server.start()
    assert tried.returncode != 0
    assert "database files are incompatible with server" in tried.stderr
    assert "initialized by PostgreSQL version 15" in tried.stderr
