"""The least-privilege role of docs/postgres-role.sql: everything can be looked at with it, and what is missing is named."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from mainstay.kinds import registry
from mainstay.kinds.postgres.settings import ArchiveSettings
from mainstay.model.because import Finding, Level
from mainstay.model.plan import Skip, Step
from mainstay.model.target import Target
from tests.kinds.postgres.conftest import Database, fresh_database, session_of, target_of
from tests.live.postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(not shutil.which("psql"), reason="needs psql")
FILE = Path(__file__).parents[3] / "docs" / "postgres-role.sql"
KIND = registry.load("postgres")
LOOKING = [task.name for task in KIND.tasks if not task.bracket]  # a bracket asks for settings of its own
OWNED = """
CREATE TABLE orders(id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, who text);
INSERT INTO orders(who) SELECT 'w' || g % 50 FROM generate_series(1, 5000) g;
CREATE INDEX by_who ON orders(who);
"""


@contextmanager
def granted(server: PostgresServer, **variables: str) -> Iterator[tuple[Database, str]]:
    """Make a database whose tables an application owns, and the role by the very file; yield both."""
    role, owner = f'My "role" {secrets.token_hex(3)}', f"owner_{secrets.token_hex(3)}"
    with fresh_database(server) as database:
        database.sql(f"CREATE ROLE {owner}")
        database.sql(f"GRANT CREATE ON SCHEMA public TO {owner}")
        database.sql(f"SET ROLE {owner}; {OWNED}")
        try:
            grant(database, role=role, owner=owner, **variables)
            yield database, role
        finally:
            for name in (role, owner):
                database.sql(sql.SQL("DROP OWNED BY {0} CASCADE").format(sql.Identifier(name)).as_string())
                database.sql(sql.SQL("DROP ROLE {0}").format(sql.Identifier(name)).as_string())


def grant(database: Database, **variables: str) -> None:
    words = [word for name, value in variables.items() for word in ("-v", f"{name}={value}")]
    done = subprocess.run(
        ["psql", "-X", "-q", *words, "-d", database.dsn, "-f", FILE], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def as_role(database: Database, role: str, **settings: Any) -> Target:
    return target_of(database, dsn=database.server.dsn(database.name, role), **settings)


def looked(target: Target, task: str, **params: Any) -> tuple[list[Step | Skip], list[Finding]]:
    """Look as one task does, plan and judge."""
    kind = KIND.task(task)
    with session_of(target) as session:
        facts = kind.observe(session)
    wanted = kind.params(**params)
    return kind.plan(facts, wanted, "run-1.task"), kind.assess(facts, wanted)


def missing(target: Target) -> str:
    """Return what `check` says of this role."""
    _, findings = looked(target, "check")
    return " | ".join(
        f"{one.because} {one.advice}" for one in findings if one.on.startswith("role") and one.level is Level.WARNING
    )


def test_every_task_can_look_with_the_role_and_nothing_is_missing(any_postgres: PostgresServer) -> None:
    with granted(any_postgres) as (database, role):
        target = as_role(database, role, archive=ArchiveSettings(Path("/nowhere/archive")))
        for task in LOOKING:
            looked(target, task)
        assert missing(target) == ""


@pytest.mark.parametrize(
    ("grant", "named"),
    [
        ("pg_monitor", "GRANT pg_monitor TO"),
        ("pg_read_all_data", "GRANT SELECT ON ALL SEQUENCES"),
    ],
)
def test_check_names_the_grant_that_is_missing(postgres: PostgresServer, grant: str, named: str) -> None:
    with granted(postgres) as (database, role):
        database.sql("CREATE SEQUENCE hidden")
        database.sql(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(grant), sql.Identifier(role)).as_string())
        assert f'{named} "{role.replace(chr(34), chr(34) * 2)}"' in missing(as_role(database, role)).replace(
            " IN SCHEMA ... TO", ""
        )


def test_the_owners_role_lets_it_care_for_tables(postgres: PostgresServer) -> None:
    with granted(postgres) as (database, role):
        planned, _ = looked(as_role(database, role), "analyze")
        assert [type(item) for item in planned if item.on[-1] == "orders"] == [Step]


MANAGED = """
CREATE ROLE {role} LOGIN CREATEDB CREATEROLE;
GRANT pg_monitor, pg_signal_backend, pg_read_all_data TO {role};
"""


@pytest.fixture
def managed(postgres: PostgresServer) -> Iterator[Target]:
    """A database as a service gives it: its owner is no superuser, and the files are out of sight."""
    role = f"service_{secrets.token_hex(3)}"
    with fresh_database(postgres) as database:
        database.sql(MANAGED.format(role=role) + OWNED + f"ALTER TABLE orders OWNER TO {role}")
        yield as_role(database, role, archive=ArchiveSettings(Path("/nowhere/archive")))
        database.sql(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


@pytest.mark.parametrize("task", LOOKING)
def test_on_a_managed_service_every_task_can_look(managed: Target, task: str) -> None:
    looked(managed, task)


@pytest.mark.parametrize(
    ("task", "params", "said"),
    [
        ("amcheck", {}, "this role may not call its functions"),
        ("tune", {"apply": True}, "this role may not ALTER SYSTEM"),
        ("upgrade_check", {}, "pg_upgrade: not run"),
    ],
)
def test_on_a_managed_service_a_task_says_what_it_cannot_do_there(
    managed: Target, task: str, params: dict[str, Any], said: str
) -> None:
    planned, findings = looked(managed, task, **params)
    assert said in " ".join([*(str(item.because) for item in planned), *map(str, findings)])


def test_on_a_managed_service_the_owners_tables_are_cared_for(managed: Target) -> None:
    for task in ("vacuum", "analyze"):
        planned, _ = looked(managed, task)
        assert [item.on[-1] for item in planned if isinstance(item, Step)] == ["orders"]
