"""The door to HTTP: one request, one deadline for all of it, a bounded body, and how long each stage took.

http.client's timeout is per read, so a server that drips a byte a second holds it for ever; here every read gets what is left
of the deadline. Proxies of the environment are not used. Only http and https; redirects only as many as were asked for, and
secret headers go to no other origin (RFC 9110 section 15.4, RFC 9111 is not implemented: nothing is cached).
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from mainstay.model.errors import ConfigError, DeadlinePassed, Unreachable
from mainstay.model.units import Duration, Size
from mainstay.system import bounded
from mainstay.system.clock import Deadline
from mainstay.system.secrets import Secret

Stage = Literal["name", "connect", "tls", "answer", "body", "redirect"]
Method = Literal["GET", "HEAD", "POST"]
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Request:
    """What is asked. A header whose value is a Secret is left out when a redirect leads to another origin.

    keep       bytes of the body that are kept; what is beyond is not read
    redirects  how many are followed; 0 returns the redirect itself
    """

    url: str
    method: Method = "GET"
    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    body: bytes = b""
    keep: Size = Size(1 << 20)
    redirects: int = 0
    verify: bool = True
    ca_file: Path | None = None


@dataclass(frozen=True)
class Timings:
    """Seconds from the start until the connection stood, TLS was agreed, the first byte came, and all was read."""

    connected: Duration = Duration(0)
    secured: Duration = Duration(0)
    first_byte: Duration = Duration(0)
    total: Duration = Duration(0)


@dataclass(frozen=True)
class Certificate:
    """The certificate that a server showed."""

    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    fingerprint: str  # SHA-256, hexadecimal


@dataclass(frozen=True)
class Response:
    """What came back; `cut` says that the body was longer than what was kept."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    cut: bool
    timings: Timings
    certificate: Certificate | None = None

    def header(self, name: str) -> str | None:
        """Return the first header of that name, in any case."""
        return next((value for known, value in self.headers if known.lower() == name.lower()), None)


class NoAnswer(Unreachable):
    """There was no complete answer; `stage` is how far it came."""

    def __init__(self, stage: Stage, url: str, because: str) -> None:
        super().__init__("no answer", on=url, because=because)
        self.stage: Stage = stage


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port; ValueError says what is wrong with the URL and never repeats what may be a password."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError(f"the scheme {parts.scheme!r} is not known: a URL begins with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("a URL holds no user name and no password: give them as a header whose value is a secret")
    if not parts.hostname or any(ord(char) <= 32 or ord(char) > 126 for char in url):
        raise ValueError("a URL has a host name, and neither blanks nor letters beyond ASCII")
    if max(len(label) for label in parts.hostname.split(".")) > 63:
        raise ValueError("a label of a host name has at most 63 letters")
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def fetch(request: Request, within: Duration) -> Response:
    """Send a request and read its answer, following redirects as asked; NoAnswer unless all of it is done in time."""
    until = Deadline(within)
    for left in range(request.redirects, -1, -1):
        response = _once(request, until)
        target = response.header("Location") if response.status in _REDIRECTS else None
        if not (request.redirects and target):
            return response
        if not left:
            break
        request = _redirected(request, target, response.status)
    raise NoAnswer("redirect", request.url, f"redirected again after {request.redirects} redirects")


def _redirected(request: Request, target: str, status: int) -> Request:
    url = urljoin(request.url, target)
    try:
        away = origin(url) != origin(request.url)
    except ValueError as error:
        raise NoAnswer("redirect", request.url, f"the redirect is refused: {error}") from None
    if away and url.startswith("http:") and request.url.startswith("https:"):
        raise NoAnswer("redirect", request.url, "the redirect is refused: it leads from https to http")
    headers = {name: value for name, value in request.headers.items() if not (away and _private(name, value))}
    if request.method == "POST" and status in (301, 302, 303):
        return replace(request, url=url, headers=headers, method="GET", body=b"")
    return replace(request, url=url, headers=headers)


def _private(name: str, value: str | Secret) -> bool:
    return isinstance(value, Secret) or name.lower() in ("authorization", "cookie")


def _once(request: Request, until: Deadline) -> Response:
    try:
        scheme, host, port = origin(request.url)
    except ValueError as error:
        raise ConfigError(f"the URL cannot be used: {error}") from None
    headers = _plain(request.headers)
    parts = urlsplit(request.url)
    wire = _Wire(_connect(host, port, until, request.url), until, request.url)
    try:
        wire.connected = wire.elapsed()
        if scheme == "https":
            wire.secure(_context(request), host)
        return _exchange(wire, request, parts, headers)
    finally:
        wire.shut()


def _exchange(wire: _Wire, request: Request, parts: SplitResult, headers: dict[str, str]) -> Response:
    """Speak HTTP over a connection that stands; http.client does not come to the point of opening one itself."""
    link = http.client.HTTPConnection(parts.hostname or "", parts.port or _PORTS[parts.scheme])
    link.sock = wire
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        link.request(
            request.method, path, body=request.body or None, headers={"Host": parts.netloc, **headers, "Connection": "close"}
        )
        answer = link.getresponse()
        wire.stage = "body"
        body, cut = _body(answer, request)
    except http.client.HTTPException as error:
        raise NoAnswer(wire.stage, request.url, _reason(error)) from None
    except OSError as error:
        raise NoAnswer(wire.stage, request.url, error.strerror or str(error)) from None
    timings = Timings(wire.connected, wire.secured, wire.first_byte, wire.elapsed())
    return Response(request.url, answer.status, tuple(answer.getheaders()), body, cut, timings, wire.certificate())


def _body(answer: http.client.HTTPResponse, request: Request) -> tuple[bytes, bool]:
    """Read what is kept; a body that ends before its announced length is an error, which http.client does not report."""
    body = answer.read(request.keep + 1)
    if len(body) > request.keep:
        return body[: request.keep], True
    if answer.length:
        raise http.client.IncompleteRead(body, answer.length)
    return body, False


def _connect(host: str, port: int, until: Deadline, url: str) -> socket.socket:
    """Try the addresses of a host one after the other, each with its part of what is left."""
    addresses = _lookup(host, port, until, url)
    problem = "no address"
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(max(0.001, until.left / (len(addresses) - number)))
        try:
            connection.connect(address)
        except TimeoutError:
            problem = f"no connection within {until.allowed}"
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
        else:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        connection.close()
    raise NoAnswer("connect", url, problem)


def _lookup(host: str, port: int, until: Deadline, url: str) -> list[Any]:
    try:
        return bounded.within(until.left, f"lookup {host}", lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except socket.gaierror as error:
        raise NoAnswer("name", url, f"the name {host} cannot be resolved: {error.strerror}") from None
    except DeadlinePassed:
        raise NoAnswer("name", url, f"the name {host} was not resolved within {until.allowed}") from None


def _context(request: Request) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(request.ca_file) if request.ca_file else None)
    except OSError as error:
        raise ConfigError(f"cannot read the file of authorities {request.ca_file}: {error.strerror}") from error
    if not request.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _plain(headers: Mapping[str, str | Secret]) -> dict[str, str]:
    """Reveal header values, and refuse those that http.client would print in its error."""
    revealed = {name: value.reveal() if isinstance(value, Secret) else value for name, value in headers.items()}
    for name, value in revealed.items():
        if not name.isascii() or not (name + value).isprintable() or not value.isascii():
            raise ConfigError(f"the header {name!r} has letters that no header may have")
    return revealed


def _reason(error: http.client.HTTPException) -> str:
    """Say what is wrong with an answer without repeating it."""
    if isinstance(error, http.client.IncompleteRead):
        missing = f", {error.expected} bytes are missing" if error.expected else ""
        return f"the connection ended in the middle of the body{missing}"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the connection was closed without an answer"
    if isinstance(error, http.client.BadStatusLine | http.client.UnknownProtocol):
        return "the answer is not HTTP"
    return f"the answer is not acceptable HTTP ({type(error).__name__})"


class _Wire(io.RawIOBase):
    """A socket whose reads and writes share one deadline; to http.client it looks like the socket itself."""

    def __init__(self, connection: socket.socket, until: Deadline, url: str) -> None:
        self.connection, self.until, self.url = connection, until, url
        self.stage: Stage = "answer"
        self.connected = self.secured = self.first_byte = Duration(0)
        self.shown = b""

    def elapsed(self) -> Duration:
        return Duration(self.until.allowed - self.until.left)

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Agree on TLS and remember the certificate that the server shows."""
        self._spend("tls")
        try:
            secured = context.wrap_socket(self.connection, server_hostname=host)
        except ssl.SSLCertVerificationError as error:
            raise NoAnswer("tls", self.url, f"the certificate is not accepted: {error.verify_message}") from None
        except TimeoutError:
            raise self._late("tls") from None
        except OSError as error:
            raise NoAnswer("tls", self.url, f"no TLS: {(error.strerror or str(error)).lower()}") from None
        self.connection, self.shown, self.secured = secured, secured.getpeercert(binary_form=True) or b"", self.elapsed()

    def certificate(self) -> Certificate | None:
        return read_certificate(self.shown) if self.shown else None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._spend(self.stage)
        try:
            read = self.connection.recv_into(buffer)
        except TimeoutError:
            raise self._late(self.stage) from None
        self.first_byte = self.first_byte or self.elapsed()
        return read

    def sendall(self, content: bytes) -> None:
        self._spend("answer")
        try:
            self.connection.sendall(content)
        except TimeoutError:
            raise self._late("answer") from None

    def makefile(self, *_: object) -> io.BufferedReader:
        return io.BufferedReader(self)

    def close(self) -> None:
        """Leave it open: http.client closes its socket before it has read the answer."""

    def shut(self) -> None:
        self.connection.close()

    def _spend(self, stage: Stage) -> None:
        if not self.until.left:
            raise self._late(stage)
        self.connection.settimeout(self.until.left)

    def _late(self, stage: Stage) -> NoAnswer:
        return NoAnswer(stage, self.url, f"not complete within {self.until.allowed}")


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate in DER form."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    parsed = x509.load_der_x509_certificate(der)
    return Certificate(
        subject=parsed.subject.rfc4514_string(),
        issuer=parsed.issuer.rfc4514_string(),
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        fingerprint=parsed.fingerprint(SHA256()).hex(),
    )
