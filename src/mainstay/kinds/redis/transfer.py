"""The file that a server writes for a new replica: all its data as they were at one moment, and no save to its own disk.

Source: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ and `redis-cli --rdb`, which asks the same way.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

from mainstay.kinds.redis.server import Server, explained
from mainstay.model.errors import StepFailed
from mainstay.vault.store import Work

_PIECE, _POLL, _LINE = 1 << 18, 0.2, 200  # bytes at once; seconds between two pulses; bytes of a reply
_MARK = b"$EOF:"  # 40 more bytes follow, which also end the file: a server that writes no file does not know its length


def snapshot(server: Server, work: Work) -> Iterator[bytes]:
    """Yield the file in pieces; an error when its end does not come."""
    with server.connection() as connection:
        with explained(server.name):
            _asked(connection)
        yield from _file(connection._sock, server.name, work)


def _asked(connection: Any) -> None:
    """Ask for the file alone; a server before 7.0 also sends what changes afterwards, until we hang up."""
    for words in (("capa", "eof"), ("rdb-only", "1")):
        connection.send_command("REPLCONF", *words)
        connection.read_response()
    connection.send_command("SYNC")


def _file(wire: socket.socket, on: str, work: Work) -> Iterator[bytes]:
    head, rest = _reply(wire, on, work)
    if head.startswith(b"-"):
        because = head[1:].decode("ascii", "replace")
        next = "back up a server that may be replicated: docs/how-to/back-up-redis.md"
        raise StepFailed("the server does not hand out its data", on=on, because=because, next=next)
    pieces = _pieces(wire, rest, on, work)
    yield from _until(pieces, head.removeprefix(_MARK)) if head.startswith(_MARK) else _counted(pieces, int(head[1:]))


def _reply(wire: socket.socket, on: str, work: Work) -> tuple[bytes, bytes]:
    """Return the first line, and what came with it; single line ends before it say that the server is at work."""
    seen = b""
    while b"\n" not in seen:
        seen = (seen + _received(wire, on, work)).lstrip(b"\n")
        if len(seen) > _LINE and b"\n" not in seen[:_LINE]:
            raise StepFailed("this is no reply of Redis", on=on, because=repr(seen[:40]))
    head, _, rest = seen.partition(b"\n")
    return head.rstrip(b"\r"), rest


def _pieces(wire: socket.socket, first: bytes, on: str, work: Work) -> Iterator[bytes]:
    yield first
    while True:
        yield _received(wire, on, work)


def _counted(pieces: Iterator[bytes], left: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:left]
        left -= len(piece[:left])
        if not left:
            return


def _until(pieces: Iterator[bytes], mark: bytes) -> Iterator[bytes]:
    """Yield what comes before the mark, which may arrive in two pieces."""
    held = b""
    for piece in pieces:
        held += piece
        before, found, _ = held.partition(mark)
        if found:
            yield before
            return
        yield held[: -len(mark)]
        held = held[-len(mark) :]


def _received(wire: socket.socket, on: str, work: Work) -> bytes:
    wire.settimeout(_POLL)
    while True:
        work.pulse()
        work.deadline.check("the server did not send its data in time", on=on)
        try:
            piece, because = wire.recv(_PIECE), "the server closed the connection before the end of the file"
        except TimeoutError:
            continue
        except OSError as error:
            piece, because = b"", str(error)
        if not piece:
            raise StepFailed("the copy is not complete", on=on, because=because, next="the server's log says why")
        return piece
