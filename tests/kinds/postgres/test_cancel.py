"""Statements that take too long are cancelled where that was asked for, and nobody else is disturbed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.sessions.cancel import CancelParams
from mainstay.model.plan import OneWay, Skip, Step
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, Perform, Sessions, fresh_database, session_of, target_of
from tests.laws.scenes.postgres_server_wide import wait_until
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("cancel")
NOW = {"longer_than": Duration(0), "idle_in_transaction_longer_than": Duration(0), "grace": Duration(0.5)}
DEAF = """DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"""


@dataclass
class People:
    """Applications at a database, under a role that is no superuser."""

    database: Database
    role: str
    stack: ExitStack = field(default_factory=ExitStack)

    def connect(self, application: str = "web") -> psycopg.Connection[tuple[Any, ...]]:
        dsn = make_conninfo(self.database.dsn, user=self.role, application_name=application)
        return self.stack.enter_context(closing(psycopg.connect(dsn, autocommit=True)))

    def start(self, statement: str, application: str = "web", state: str = "active") -> psycopg.Connection[tuple[Any, ...]]:
        """Send a statement, and return when the server is at it."""
        connection = self.connect(application)
        connection.pgconn.send_query(statement.encode())
        connection.pgconn.flush()
        wait_until(lambda: self.state(connection) == state)
        return connection

    def state(self, connection: psycopg.Connection[tuple[Any, ...]]) -> str:
        """Return what a session does, "" when it is gone."""
        pid = connection.info.backend_pid
        found = self.database.sql("SELECT state FROM pg_stat_activity WHERE pid = %s", pid)
        return found[0][0] if found else ""


@pytest.fixture
def people(database: Database) -> Iterator[People]:
    role = f"app_{database.name}"
    database.sql(f"CREATE ROLE {role} LOGIN; GRANT ALL ON SCHEMA public TO {role}")
    made = People(database, role)
    with made.stack:
        yield made
    database.sql(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def decided(session: Session, people: People, **params: Any) -> dict[int, Step | Skip]:
    """Return what is decided of each session of this database, by process."""
    wanted = CancelParams(**{**NOW, "databases": (people.database.name,), **params})
    return {int(one.on[1]): one for one in TASK.plan(TASK.observe(session), wanted, "run-1.db.cancel")}


@pytest.mark.covers("DBP-08")
def test_a_statement_is_cancelled_and_its_session_lives_on(people: People, session: Sessions, perform: Perform) -> None:
    slow = people.start("SELECT pg_sleep(600)")
    with session() as opened:
        step = decided(opened, people)[slow.info.backend_pid]
        assert isinstance(step, Step)
        assert isinstance(step.reverse, OneWay)
        assert perform(opened, "cancel", **NOW, users=(people.role,)) == [None]
    assert people.state(slow) == "idle"


@pytest.mark.covers("DBP-08")
def test_a_session_that_does_not_hear_of_a_cancel_is_ended(people: People, session: Sessions, perform: Perform) -> None:
    deaf = people.start(DEAF)
    with session() as opened:
        assert perform(opened, "cancel", **NOW, users=(people.role,)) == [None]
        assert opened.output == [f"session {deaf.info.backend_pid} was ended"]
    assert people.state(deaf) == ""


@pytest.mark.covers("DBP-08")
def test_an_idle_transaction_is_ended_and_who_waited_for_it_goes_on(people: People, session: Sessions, perform: Perform) -> None:
    people.connect().execute("CREATE TABLE t AS SELECT 1 AS i")
    idle = people.start("BEGIN; LOCK TABLE t", state="idle in transaction")
    waits = people.start("SELECT * FROM t", application="patient")
    with session() as opened:
        step = decided(opened, people)[idle.info.backend_pid]
        assert f"for which {waits.info.backend_pid} wait" in str(step.because)
        assert perform(opened, "cancel", **NOW, applications=("web",), users=(people.role,)) == [None]
    wait_until(lambda: (people.state(idle), people.state(waits)) == ("", "idle"))


@pytest.mark.covers("DBP-08")
def test_a_running_dump_that_the_runbook_would_kill_is_left_alone(people: People, session: Sessions, perform: Perform) -> None:
    people.connect().execute("CREATE TABLE t AS SELECT 1 AS i")
    with people.database.connect() as holder, holder.transaction(), session() as opened:
        holder.execute("LOCK TABLE t")  # the dump waits, as one of a large table takes its time
        dump = subprocess.Popen(
            ["pg_dump", "-d", make_conninfo(people.database.dsn, user=people.role), "-t", "t", "-f", "/dev/null"],
            stderr=subprocess.PIPE,
        )
        at_it = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'pg_dump' AND wait_event_type = 'Lock' AND datname = %s"
        )
        wait_until(lambda: people.database.sql(at_it, people.database.name) != [])
        ((pid,),) = people.database.sql(at_it, people.database.name)
        assert str(decided(opened, people, users=("*",), applications=("*",))[pid].because) == "application: pg_dump"
        assert perform(opened, "cancel", **NOW, users=(people.role,)) == []
        people.database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND usename = %s", people.role
        )
        assert dump.communicate(timeout=30)[1]
    assert dump.returncode != 0, "the long one that the runbook kills is the backup"


@pytest.mark.covers("DBP-08")
def test_a_copy_under_another_name_is_taken_for_a_dump(people: People, session: Sessions) -> None:
    copies = people.start("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT", application="night")
    with session() as opened:
        reason = str(decided(opened, people)[copies.info.backend_pid].because)
    assert reason.startswith("it copies data out, as a dump does")
    copies.cancel_safe(timeout=10)


@pytest.mark.covers("DBP-08")
def test_a_session_that_has_gone_on_to_something_else_is_not_hit(people: People, session: Sessions) -> None:
    slow = people.start("SELECT pg_sleep(600)")
    with session() as opened:
        step = decided(opened, people)[slow.info.backend_pid]
        assert isinstance(step, Step)
        slow.cancel_safe(timeout=10)
        while slow.pgconn.get_result():
            pass
        slow.pgconn.send_query(b"SELECT pg_sleep(601)")
        wait_until(lambda: people.state(slow) == "active")
        assert TASK.apply(opened, step, Deadline(step.deadline)) is None
        assert opened.output == []
    assert people.state(slow) == "active"


def test_another_session_under_the_same_process_id_is_not_hit(people: People, session: Sessions) -> None:
    slow = people.start("SELECT pg_sleep(600)")
    with session() as opened:
        step = decided(opened, people)[slow.info.backend_pid]
        assert isinstance(step, Step)
        other = Step(**{**vars(step), "args": {**step.args, "started": "1"}})
        assert TASK.apply(opened, other, Deadline(Duration(30))) is None
    assert people.state(slow) == "active"


def test_a_role_without_rights_is_told_which_grant_it_lacks(people: People) -> None:
    with people.database.connect() as owner:
        owner.execute("CREATE ROLE plain_one LOGIN")
    slow = people.start("SELECT pg_sleep(600)")
    with session_of(target_of(people.database, dsn=people.database.server.dsn(people.database.name, "plain_one"))) as opened:
        reason = str(decided(opened, people)[slow.info.backend_pid].because)
    people.database.sql("DROP ROLE plain_one")
    assert reason == f"what it does cannot be seen: GRANT pg_monitor: {people.role}"


def test_on_every_version_a_statement_is_cancelled(any_postgres: PostgresServer, perform: Perform) -> None:
    with fresh_database(any_postgres) as made:
        any_postgres.sql("CREATE ROLE slow_app LOGIN")
        people = People(made, "slow_app")
        with people.stack, session_of(target_of(made)) as opened:
            people.start("SELECT pg_sleep(600)")
            people.start("BEGIN; SELECT 1", state="idle in transaction")
            assert perform(opened, "cancel", **NOW, users=("slow_app",)) == [None, None]
        any_postgres.sql("DROP ROLE slow_app")
