"""Real servers, a fresh database for each test, and a way to run a task on it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.server import connect
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from tests.live import postgres_server
from tests.live.postgres_server import MAJORS, PostgresServer

Perform = Callable[..., list[str | None]]
Sessions = Callable[..., AbstractContextManager[Session]]
TAG = f"run-{secrets.token_hex(4)}/db.task/look"


@dataclass(frozen=True)
class Database:
    """A database of its own for one test."""

    server: PostgresServer
    name: str

    @property
    def dsn(self) -> str:
        """The connection string."""
        return self.server.dsn(self.name)

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run statements and return what the (first) one yields."""
        return self.server.sql(statement, *values, database=self.name)

    def connect(self, user: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Open a connection in autocommit mode; use it in a `with`."""
        return self.server.connect(self.name, user)


@pytest.fixture(scope="session")
def postgres() -> PostgresServer:
    """Return a server of version 15 that all tests of this process share: leave its roles and settings as they were."""
    _need(15)
    return postgres_server.shared()


@pytest.fixture(
    scope="session",
    params=[pytest.param(major, marks=() if major == 15 else pytest.mark.slow) for major in MAJORS],
)
def any_postgres(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Run a server of each version in turn; new databases on it have the extensions that it has."""
    _need(request.param)
    with postgres_server.server(tmp_path_factory.mktemp("pg"), request.param) as running:
        running.extend()
        running.extend("postgres")
        yield running


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[Database]:
    """Return an empty database with pgstattuple, amcheck, pg_stat_statements and pg_repack."""
    with fresh_database(postgres) as made:
        yield made


@pytest.fixture
def target(database: Database) -> Callable[..., Target]:
    """Return a function that makes a target of the database with the given settings."""
    return lambda **settings: target_of(database, **settings)


@pytest.fixture
def session(database: Database) -> Sessions:
    """Return a function that opens a session to the database with the given settings."""
    return lambda **settings: session_of(target_of(database, **settings))


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[Database]:
    """Make a database on any server, and drop it with whoever is still connected."""
    made = Database(server, f"test_{secrets.token_hex(6)}")
    server.create_database(made.name)
    try:
        yield made
    finally:
        with server.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(made.name)))


def target_of(database: Database, **settings: Any) -> Target:
    """Make the target `db`."""
    return Target("db", "postgres", PostgresSettings(**{"dsn": database.dsn, **settings}))


@contextmanager
def session_of(target: Target, tag: str = TAG) -> Iterator[Session]:
    """Open a session as the engine does for one turn; `tag` names run, task and step."""
    door = Door(tag=tag)
    with connect(target, door) as server:
        yield Session(target, door, server)


@pytest.fixture
def perform() -> Perform:
    """Return a function that plans a task, does every step, and returns what verify says of each."""

    def do(session: Session, name: str, **params: Any) -> list[str | None]:
        task = registry.load("postgres").task(name)
        planned = task.plan(task.observe(session), task.params(**params), "run-1.db.task")
        said = []
        for step in (item for item in planned if isinstance(item, Step)):
            before = task.observe(session, step.on)
            assert task.verify(before, before, step), "verify must see that nothing happened"
            assert task.apply(session, step, Deadline(step.deadline)) is None
            said.append(task.verify(before, task.observe(session, step.on), step))
        return said

    return do


def _need(major: int) -> None:
    if lacking := postgres_server.missing(major):
        pytest.skip(lacking)
