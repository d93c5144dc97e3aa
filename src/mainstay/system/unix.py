"""Sockets on which processes of one machine talk in lines of JSON, and the kernel's word for who is at the other end."""

from __future__ import annotations

import grp
import json
import os
import pwd
import select
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mainstay.model.errors import Refused, Unreachable
from mainstay.model.units import Duration, Size
from mainstay.system import clock

_CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): pid, uid, gid


@dataclass(frozen=True)
class Peer:
    """Who is at the other end."""

    uid: int
    name: str
    groups: frozenset[str]


@contextmanager
def listening(path: Path, mode: int) -> Iterator[socket.socket]:
    """Listen at a path, which nobody else may be listening at; it is taken away at the end."""
    _make_way(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as way:
        try:
            with _short(path) as short:
                way.bind(short)
            path.chmod(mode)
            way.listen(16)
        except OSError as error:
            because = error.strerror or str(error)
            raise Refused("cannot listen", on=str(path), because=because, next="set `serve: {socket: PATH}`") from error
        try:
            yield way
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def connected(path: Path) -> Iterator[socket.socket]:
    """Connect to whoever listens at a path; Unreachable when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as way:
        way.settimeout(5)
        try:
            with _short(path) as short:
                way.connect(short)
        except OSError as error:
            because = error.strerror or str(error)
            elsewhere = f"let it listen elsewhere: serve: {{socket: ...}}, for {path.parent} is closed to you"
            next = elsewhere if isinstance(error, PermissionError) else "start `mainstay serve`"
            raise Unreachable("no service answers", on=str(path), because=because, next=next) from error
        yield way


def peer(way: socket.socket) -> Peer:
    """Ask the kernel whose process connected; names and groups are those of this machine."""
    _, uid, gid = _CREDENTIALS.unpack(way.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        return Peer(uid, f"uid {uid}", frozenset())
    return Peer(uid, name, frozenset(filter(None, map(_group, os.getgrouplist(name, gid)))))


def is_hung_up(way: socket.socket) -> bool:
    """Return whether the other end has said all that it will say."""
    if not select.select([way], [], [], 0)[0]:
        return False
    try:
        return way.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def inherited(fd: int) -> socket.socket:
    """Return the connection that this process was started with; Refused when that is none."""
    if not stat.S_ISSOCK(os.fstat(fd).st_mode):
        raise Refused("this is no connection", on=f"descriptor {fd}", next="systemd starts it: mainstay-root.socket")
    return socket.socket(fileno=os.dup(fd))


def send(way: socket.socket, value: dict[str, Any]) -> None:
    """Send one object as a line; OSError when the other end is gone or does not read."""
    way.sendall(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n")


def receive(way: socket.socket, most: Size, within: Duration) -> Iterator[dict[str, Any]]:
    """Yield the objects that arrive until the other end closes; ValueError for one too long, broken or late."""
    buffer, until = b"", clock.Deadline(within)
    while True:
        line, found, rest = buffer.partition(b"\n")
        if found:
            buffer, until = rest, clock.Deadline(within)
            value = json.loads(line)
            if not isinstance(value, dict):
                raise ValueError("not an object")
            yield value
            continue
        if len(buffer) > most or not until.left:
            raise ValueError(f"more than {most} in a line" if until.left else f"nothing within {within}")
        way.settimeout(max(0.001, until.left))
        try:
            more = way.recv(65536)
        except TimeoutError:
            continue
        if not more:
            return
        buffer += more


def _make_way(path: Path) -> None:
    """Take away the socket that a killed process has left; Refused for anything else that lies there."""
    if not path.is_socket():
        if path.exists():
            raise Refused("cannot listen", on=str(path), because="something that is no socket lies there")
        return
    try:
        with connected(path):
            raise Refused("cannot listen", on=str(path), because="another process does", next="set `serve: {socket: PATH}`")
    except Unreachable:
        path.unlink(missing_ok=True)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return ""


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name of at most the 107 bytes that an address holds, however deep the path lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
