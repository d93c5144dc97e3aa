"""Find local ports that speak HTTP, without bothering those that are known to speak something else."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlunsplit

import psutil

from mainstay.kinds.kind import Found
from mainstay.model.units import Duration, Size
from mainstay.system import http
from mainstay.system.clock import Deadline

_PATHS = ("/health", "/api/health", "/healthz", "/")
_EACH = Duration(0.5)
_ALL = Duration(5)
# A foreign protocol on these would log our question as an attack, or count it as a failed login.
_OTHERS = frozenset({21, 22, 23, 25, 53, 110, 111, 143, 389, 445, 465, 587, 636, 993, 995, 1433, 1521, 2049, 3306, 5432, 5433})
_MORE = frozenset({5672, 6379, 6380, 6432, 7687, 9092, 11211, 26379, 27017})
_SERVERS = (
    "redis",
    "postgres",
    "pgbouncer",
    "sshd",
    "mysqld",
    "mariadbd",
    "mongod",
    "memcached",
    "beam",
    "rpc",
    "master",
    "exim",
)


def discover() -> list[Found]:
    """Ask every listening port of this host that may speak HTTP; at most 5 s in all."""
    until = Deadline(_ALL)
    return [found for port in sorted(set(_listening())) if until.left and (found := _asked(port, until))]


def _listening() -> Iterator[int]:
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.laddr and _may_speak_http(one.laddr.port, one.pid):
            yield one.laddr.port


def _may_speak_http(port: int, pid: int | None) -> bool:
    return port not in _OTHERS | _MORE and not _name(pid).startswith(_SERVERS)


def _name(pid: int | None) -> str:
    try:
        return psutil.Process(pid).name() if pid else ""
    except psutil.Error:
        return ""


def _asked(port: int, until: Deadline) -> Found | None:
    """Return the first usual path that answers with success; None when the port does not speak HTTP."""
    answered = None
    for path in _PATHS:
        url = urlunsplit(("http", f"localhost:{port}", path, "", ""))
        try:
            response = http.fetch(http.Request(url, keep=Size(1 << 16)), Duration(max(0.001, min(_EACH, until.left))))
        except http.NoAnswer:
            return answered
        if response.status < 300:
            return _found(port, url, response.status, f"answers {response.status}")
        answered = answered or _found(
            port, url, response.status, f"speaks HTTP, and answers {response.status} here: name a better path"
        )
    return answered


def _found(port: int, url: str, status: int, comment: str) -> Found:
    return Found(f"http-{port}", {"url": url, "expect": {"status": status}}, f"port {port} {comment}", tasks=("check",))
