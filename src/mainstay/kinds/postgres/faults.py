"""What PostgreSQL's errors mean to an operator: the class of ours that says what to do about it, and the next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.model.errors import DeadlinePassed, MainstayError, Refused, StepFailed, Unreachable

_CONNECTING = (
    ("password authentication failed", "the password is wrong: look at the secret that `password` names"),
    ("no password supplied", "set `password`, or write ~/.pgpass with mode 0600"),
    ("certificate", "look at sslmode and sslrootcert in `dsn`"),
    ("does not exist", "the name is wrong, or it was dropped: psql -l"),
    ("Connection refused", "nobody listens there: is the server running, and are host and port right?"),
    ("starting up", "the server is starting or recovering: try again when it accepts connections"),
    ("shutting down", "the server is being stopped: try again when it is back"),
    ("not accepting connections", "the server recovers, or is a standby that lets nobody in (hot_standby = off)"),
    ("not currently accepting connections", "that database is closed: ALTER DATABASE ... ALLOW_CONNECTIONS true opens it"),
    ("too many clients", "all connections are in use: end idle ones, or put a pooler in front; raise max_connections last"),
    (
        "remaining connection slots",
        "all connections are in use: end idle ones, or put a pooler in front; raise max_connections last",
    ),
    ("too many connections for", "the connection limit of the role or database is reached: ALTER ROLE ... CONNECTION LIMIT"),
    ("pg_hba.conf", "the server does not let this user in from here: add a line to pg_hba.conf"),
    ("SSL", "look at sslmode and sslrootcert in `dsn`"),
    ("timeout expired", "the host does not answer: look at the network and at firewalls"),
    ("could not translate host name", "the host's name is unknown: look at `dsn`"),
    ("failed to resolve host", "the host's name is unknown: look at `dsn`"),
    ("definition of service", "look at the service's name and at PGSERVICEFILE or ~/.pg_service.conf"),
)


@contextmanager
def connecting(on: str) -> Iterator[None]:
    """Turn what goes wrong while connecting into Unreachable, with what to do next."""
    try:
        yield
    except psycopg.Error as error:
        text = told(error)
        next = next_step(text)
        raise Unreachable("cannot connect to PostgreSQL", on=on, because=text, next=next) from None  # it may hold the conninfo


@contextmanager
def explained(on: str) -> Iterator[None]:
    """Turn what goes wrong on an open connection into ours."""
    try:
        yield
    except psycopg.Error as error:
        raise _meaning(error, on) from error


def next_step(text: str) -> str:
    """Return what to do about a refused connection."""
    return next((step for phrase, step in _CONNECTING if phrase in text), "try the same with psql")


def told(error: psycopg.Error) -> str:
    """Return an error's message in one line, without the statement."""
    said = error.diag.message_primary or str(error)
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return " ".join(said.split()) + " ".join(detail.split("\n"))


def _meaning(error: psycopg.Error, on: str) -> MainstayError:
    text = told(error)
    match error:
        case errors.LockNotAvailable() | errors.DeadlockDetected():
            return LockNotAvailable(
                "a lock was not free in time", on=on, because=text, next="look for who holds it: mainstay check"
            )
        case errors.QueryCanceled():
            return DeadlinePassed(
                "a statement was stopped", on=on, because=text, next="raise statement_timeout, or look for what slows it"
            )
        case errors.InsufficientPrivilege():
            return Refused(
                "this role may not do that", on=on, because=text, next="grant it: docs/postgres-role.sql has what each task needs"
            )
        case errors.ReadOnlySqlTransaction():
            return Refused(
                "the server is read-only", on=on, because=text, next="point `dsn` at the primary; a standby can only be looked at"
            )
        case errors.UndefinedTable() | errors.UndefinedObject() | errors.InvalidSchemaName():
            return StepFailed("it is gone", on=on, because=text, next="it was dropped or renamed meanwhile: plan again")
        case errors.DiskFull():
            return StepFailed(
                "the server's disk is full", on=on, because=text, next="free room on the server before anything else"
            )
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return Unreachable(
                "the connection to PostgreSQL was lost", on=on, because=text, next="look at the server's log, then resume"
            )
    return StepFailed("PostgreSQL refused a statement", on=on, because=text, next=error.diag.message_hint or "")
