"""PostgreSQL's own programs, run where the server runs: on this host, or inside the target's container.

They learn where to connect from the variables of libpq, and carry the name of the step: recovery ends their sessions by it.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from mainstay.kinds.kind import Session
from mainstay.model.errors import Unreachable
from mainstay.model.units import Duration
from mainstay.system.process import Completed, legible

_ASK = Duration(15)  # a program's version, a container's first start included
_FILES = ("PGSERVICEFILE", "PGSYSCONFDIR")  # where libpq looks for what `dsn` only names


@dataclass(frozen=True)
class Program:
    """A program that is there, and the number that it says of itself, such as "1.4.8"."""

    path: str
    version: str


def find(session: Session, name: str, major: int = 0) -> Program | None:
    """Return a program of the server's version, or of a `major` one: from the folder `programs`, as Debian has it, or on PATH."""
    folder = session.target.settings.programs
    places = (
        [folder] if folder else [PurePosixPath(f"/usr/lib/postgresql/{major or session.connection.identity().major}/bin"), None]
    )
    for place in places:
        path = str(place / name) if place else name
        if version := _version(session, path):
            return Program(path, version)
    return None


def run(session: Session, program: Program, arguments: list[str], deadline: Duration, environment: dict[str, str]) -> Completed:
    """Run a program to its end; `environment` is that of `reaching`, and nothing of it is seen in a process list."""
    return session.door.run([program.path, *arguments], deadline, env=environment)


def reaching(session: Session, database: str, **settings: str) -> dict[str, str]:
    """Return the environment in which libpq reaches a database; `settings` are server settings of its sessions.

    It holds the password: hand it to `run`, and nowhere else.
    """
    server = session.connection
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    own = {"PGDATABASE": database, "PGAPPNAME": server.application_name, "PGOPTIONS": options}
    return {**(_inside(session) if session.door.place.container else _outside(session)), **own}


def _outside(session: Session) -> dict[str, str]:
    """As this process connects: what `dsn` says, over what the environment says."""
    files = {name: os.environ[name] for name in _FILES if name in os.environ}
    return {**files, **_variables(session.connection.conninfo(), defaults=True)}


def _inside(session: Session) -> dict[str, str]:
    """As `dsn_inside` says; else by the socket there, as the user of `dsn`."""
    settings, known = session.target.settings, _variables(session.connection.conninfo())
    if settings.dsn_inside:
        return {**_only(known, "PGPASSWORD"), **_variables(settings.dsn_inside)}
    return _only(known, "PGUSER", "PGPASSWORD")


def _only(variables: dict[str, str], *names: str) -> dict[str, str]:
    return {name: variables[name] for name in names if name in variables}


def _variables(conninfo: str, *, defaults: bool = False) -> dict[str, str]:
    """Return a connection string as libpq's variables; with `defaults`, what the environment says of the rest."""
    from psycopg import pq

    said = pq.Conninfo.parse(conninfo.encode())
    usual = {one.keyword: one.val for one in pq.Conninfo.get_defaults()} if defaults else {}
    values = {one.envvar: one.val or usual.get(one.keyword) for one in said}
    return {name.decode(): value.decode() for name, value in values.items() if name and value}


def _version(session: Session, path: str) -> str:
    """Return the number that a program says of itself, "" when it cannot be run."""
    try:
        done = session.door.run([path, "--version"], _ASK)
    except Unreachable:
        return ""
    said = re.search(r"\d+(\.\d+)*", legible(done.stdout))
    return said.group() if said and not done.code else ""
