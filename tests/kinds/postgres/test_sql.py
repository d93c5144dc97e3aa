"""Every query runs in psql as it is, on every version, and yields what its dataclass expects."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import postgres as kind
from mainstay.kinds.postgres.rows import maker
from mainstay.kinds.postgres.statement import looking
from tests.kinds.postgres.conftest import Database, fresh_database
from tests.kinds.postgres.locking import locked_database
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

FILES = sorted(Path(str(resources.files(kind) / "sql")).glob("*.sql"))


def rows() -> dict[str, type[Any]]:
    """Return every row class of the kind by the name of its query."""
    modules = [importlib.import_module(one.name) for one in pkgutil.walk_packages(kind.__path__, f"{kind.__name__}.")]
    classes: list[Any] = [one for module in modules for _, one in inspect.getmembers(module, inspect.isclass)]
    return {one.sql: one for one in classes if isinstance(getattr(one, "sql", None), str)}


ROWS = rows()
OF_INDEXES = ("check_order", "check_parents", "check_rows", "index_density")
RELATIONS = "SELECT array_agg(oid)::text FROM pg_class WHERE oid > 16384 AND relkind = ANY (%s) AND relname !~ 'invalid$'"


def test_every_query_has_a_dataclass_and_every_dataclass_a_query() -> None:
    assert {path.name.split(".")[0] for path in FILES} == set(ROWS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_query_says_what_it_is_for(path: Path) -> None:
    head = path.read_text(encoding="utf-8").splitlines()[:6]
    assert re.fullmatch(r"-- \S.+", head[0]), head[0]
    for name in ("columns", "versions", "source"):
        assert any(line.startswith(f"-- {name}: ") for line in head), f"{path.name} names no {name}"


@pytest.fixture(scope="session")
def prepared(any_postgres: PostgresServer) -> Iterator[Database]:
    """Return a database with a table whose names need quotes, and a sequence that belongs to none."""
    with fresh_database(any_postgres) as database:
        database.sql('CREATE TABLE "Or\'ders"(id int PRIMARY KEY, "Wh""o" text)')
        database.sql("INSERT INTO \"Or'ders\" SELECT g, 'x' FROM generate_series(1, 1000) g; ANALYZE")
        database.sql("CREATE SEQUENCE alone; SELECT nextval('alone')")
        yield database


@pytest.mark.parametrize("name", sorted(ROWS))
def test_a_query_runs_in_psql_and_fits_its_dataclass(name: str, prepared: Database) -> None:
    row, text, psql = ROWS[name], looking(name, prepared.server.major), postgres_server.find(15)
    if row.extension and not prepared.sql("SELECT 1 FROM pg_extension WHERE extname = %s", row.extension):
        pytest.skip(f"PostgreSQL {prepared.server.major} has no {row.extension} here")
    if prepared.server.major < int(re.findall(r"^-- versions: (\d+)", text, re.MULTILINE)[0]):
        pytest.skip(f"PostgreSQL {prepared.server.major} is never asked this")
    assert psql
    _psql(psql, text, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", "-", prepared.dsn)
    with prepared.connect() as connection, connection.cursor() as cursor:
        cursor.execute(text.encode())
        make = maker(row, [column.name for column in cursor.description or ()])
        list(map(make, cursor.fetchall()))


def _psql(binaries: postgres_server.Binaries, text: str, *argv: str) -> None:
    command = binaries.argv("psql", *argv)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, cwd="/", check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(scope="session")
def locked(postgres: PostgresServer) -> Iterator[Database]:
    """Return a database with tables that nobody can open."""
    with locked_database(postgres) as database:
        yield database


@pytest.mark.parametrize("name", sorted(ROWS.keys() - {"row_counts"}))  # which counts in a copy that is nobody else's
def test_a_query_waits_for_no_lock(name: str, locked: Database) -> None:
    text = looking(name, locked.server.major)
    kinds = ["i"] if name in OF_INDEXES else ["r", "m", "t"]
    with locked.connect() as connection:
        ((oids,),) = connection.execute(RELATIONS, (kinds,)).fetchall()
        connection.execute("SET lock_timeout = '100ms'")
        for only in ("{}", oids):
            connection.execute("SELECT set_config('mainstay.only', %s, false)", (only,))
            connection.execute(text.encode()).fetchall()
