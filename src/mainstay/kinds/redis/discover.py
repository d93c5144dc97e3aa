"""Find Redis servers of this host: by their sockets, and by the port that everybody uses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import psutil

from mainstay.kinds.kind import Found

_FOLDERS = (Path("/run/redis"), Path("/var/run/redis"))
_PORT, _MOST = 6379, 50


def discover() -> list[Found]:
    """Return a target for each server; its password is for the operator to name."""
    if _listens():
        return [_found("cache", f"redis://localhost:{_PORT}", f"port {_PORT}")]
    return [_found(f"cache-{path.stem}", f"unix://{path}", f"socket {path}") for path in sockets(_FOLDERS)]


def sockets(folders: tuple[Path, ...]) -> Iterator[Path]:
    """Yield each socket once, though two paths may lead to it."""
    real = sorted({folder.resolve() for folder in folders if folder.is_dir()})
    for folder in real:
        yield from (path for path in sorted(itertools.islice(folder.iterdir(), _MOST)) if path.is_socket())


def _listens() -> bool:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr and one.laddr.port == _PORT for one in connections)


def _found(name: str, url: str, seen: str) -> Found:
    return Found(name, {"url": url}, f"{seen}: if it has a password, say where it is: password: {{file: PATH}}", ("check",))
