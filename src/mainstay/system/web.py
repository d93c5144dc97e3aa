"""The door to those who read over HTTP: GET and HEAD, one question for each connection, everything bounded.

`http.server` of the standard library bounds neither a question's whole time nor its whole size: a client that sends a byte every
few seconds holds its thread for ever. What is left of it, once that is mended, is less than this.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType

from mainstay.model.errors import Refused
from mainstay.model.units import Duration, Size
from mainstay.system import clock

AT_ONCE = 16  # conversations
MOST = Size(8_000)  # of a question
WITHIN = Duration(5)  # for the whole question, and for the whole answer
_TICK = 0.5
_LEAVING = Duration(0.5)  # for what a refused client still sends: closing before it is read would take the answer away from it
_ALWAYS = {  # what keeps a browser from doing anything with an answer but showing it by itself
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Connection": "close",
}
_LINE = re.compile(rb"([A-Z]{1,20}) ([!-~]{1,2000}) HTTP/1\.[01]")  # RFC 9112, 3
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*?)[ \t]*")
_NAME = re.compile(r"(\[[0-9a-f:.]+\]|[0-9a-z.-]+)(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Answer:
    """What is sent back."""

    status: HTTPStatus
    content: bytes
    type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True)
class Question:
    """What was asked for: the path as it was sent, nothing decoded, and whether without the content."""

    path: str
    head: bool = False


class Bad(Exception):
    """A question that is not answered; `answer` says why."""

    def __init__(self, status: HTTPStatus, because: str, **headers: str) -> None:
        super().__init__(because)
        self.answer = Answer(status, f"{status.value} {status.phrase}: {because}\n".encode(), headers=headers)


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen at an address of this machine; Refused where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as way:
        way.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not to wait for what the last one's closed connections leave
        try:
            way.bind((host, port))
            way.listen(AT_ONCE)
        except OSError as error:
            because, on = error.strerror or str(error), f"{host} port {port}"
            raise Refused(
                "cannot listen for browsers", on=on, because=because, next="set another `serve: {page: ...}`"
            ) from error
        yield way


class Readers:
    """Answers whoever connects, each in a thread of its own; who is slow is hung up on, and holds up nobody but themselves.

    names   the hosts by which it may be asked: any other may be a page of somebody else whose name was pointed here
    answer  returns what lies at a path
    """

    def __init__(self, way: socket.socket, names: frozenset[str], answer: Callable[[str], Answer]) -> None:
        self._way, self._names, self._answer = way, names, answer
        way.settimeout(_TICK)
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def once(self) -> None:
        """Take the next one who connects, if anybody does."""
        try:
            way, _ = self._way.accept()
        except (TimeoutError, ConnectionAbortedError):
            return
        if self._places.acquire(blocking=False):
            threading.Thread(target=self._talk, args=(way,), daemon=True).start()
        else:
            way.close()

    def _talk(self, way: socket.socket) -> None:
        try:
            with way:
                send(way, *self._answered(way))
        except OSError:
            return  # nobody reads the answer
        finally:
            self._places.release()

    def _answered(self, way: socket.socket) -> tuple[Answer, bool]:
        try:
            question = ask(way, self._names)
            return self._answer(question.path), question.head
        except Bad as bad:
            return bad.answer, False


def ask(way: socket.socket, names: frozenset[str], within: Duration = WITHIN) -> Question:
    """Read a question; Bad for one that is late, too long, broken, not for reading, or for another host."""
    until, head = clock.Deadline(within), b""
    while b"\r\n\r\n" not in head:
        if len(head) > MOST:
            raise Bad(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"more than {MOST}")
        if not until.left:
            raise Bad(HTTPStatus.REQUEST_TIMEOUT, f"no whole question within {within}")
        way.settimeout(max(0.001, until.left))
        try:
            more = way.recv(4096)
        except TimeoutError:
            continue
        if not more:
            raise Bad(HTTPStatus.BAD_REQUEST, "no whole question")
        head += more
    return _read(head.partition(b"\r\n\r\n")[0], names)


def send(way: socket.socket, answer: Answer, head: bool, within: Duration = WITHIN) -> None:
    """Send an answer and hang up; OSError when the other end does not read it in time."""
    content = {"Content-Type": answer.type, "Content-Length": str(len(answer.content))}
    headers = {**content, **_ALWAYS, **answer.headers}
    lines = [f"HTTP/1.1 {answer.status.value} {answer.status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    way.settimeout(within)  # of the whole of sendall
    way.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + (b"" if head else answer.content))
    way.shutdown(socket.SHUT_WR)
    until = clock.Deadline(_LEAVING)
    while until.left:
        way.settimeout(max(0.001, until.left))
        if not way.recv(65536):
            return


def _read(head: bytes, names: frozenset[str]) -> Question:
    first, *rest = head.split(b"\r\n")
    line = _LINE.fullmatch(first)
    headers = [_HEADER.fullmatch(one) for one in rest]
    if line is None or None in headers:
        raise Bad(HTTPStatus.BAD_REQUEST, "this is not HTTP")
    hosts = [one[2].decode("latin-1").lower() for one in headers if one and one[1].lower() == b"host"]
    named = _NAME.fullmatch(hosts[0]) if len(hosts) == 1 else None
    if named is None:
        raise Bad(HTTPStatus.BAD_REQUEST, "it has to name one host")
    if named[1] not in names:
        raise Bad(HTTPStatus.MISDIRECTED_REQUEST, f"ask as one of {', '.join(sorted(names))}")
    if line[1] not in (b"GET", b"HEAD"):
        raise Bad(HTTPStatus.METHOD_NOT_ALLOWED, "there is nothing here but to read", Allow="GET, HEAD")
    return Question(line[2].decode("ascii"), line[1] == b"HEAD")
