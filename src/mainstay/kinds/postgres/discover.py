"""Find PostgreSQL servers of this host: by their sockets, and by the port that everybody uses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from mainstay.kinds.kind import Found

_FOLDERS = (Path("/run/postgresql"), Path("/tmp"))
_SOCKET = re.compile(r"\.s\.PGSQL\.(\d+)")
_PORT = 5432


def discover() -> list[Found]:
    """Return a target for each server; who may log in there is for the operator to say."""
    sockets = dict(_sockets())
    listening = [] if _PORT in sockets or not _listens() else [_found(_PORT, "localhost", f"port {_PORT}")]
    return [*(_found(port, str(path.parent), f"socket {path}") for port, path in sorted(sockets.items())), *listening]


def _sockets() -> Iterator[tuple[int, Path]]:
    for folder in _FOLDERS:
        for path in sorted(folder.glob(".s.PGSQL.*")) if folder.is_dir() else ():
            named = _SOCKET.fullmatch(path.name)
            if named and path.is_socket():
                yield int(named[1]), path


def _listens() -> bool:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == _PORT for one in connections)


def _found(port: int, host: str, seen: str) -> Found:
    comment = f"{seen}: make a role by docs/postgres-role.sql, and name it and the database here"
    dsn = f"host={host} port={port} user=mainstay dbname=postgres"
    name = "db" if port == _PORT else f"db-{port}"
    return Found(name, {"dsn": dsn, "databases": ["*"]}, comment, ("check", "vacuum"), ("bloat", "indexes", "statements"))
