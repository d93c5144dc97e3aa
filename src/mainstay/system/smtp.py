"""The door to mail: one message to one recipient, encrypted as asked, one deadline for all of it (RFC 5321, 3207, 4954)."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mainstay.model.errors import ConfigError, DeadlinePassed, MainstayError, Unreachable
from mainstay.model.units import Duration
from mainstay.system import bounded
from mainstay.system.clock import Deadline
from mainstay.system.secrets import Secret


@dataclass(frozen=True)
class Server:
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    ca_file: Path | None = None
    user: str = ""
    password: Secret | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Rejected(MainstayError):
    """The server will never take this message for this recipient."""


def hand_over(server: Server, sender: str, recipient: str, message: bytes, within: Duration) -> str:
    """Return what the server said when it took the message (250); Rejected for ever, Unreachable for now."""
    until = Deadline(within)
    try:
        with _link(server, until) as link:
            _log_in(server, link)
            _deliver(server, link, sender, recipient, message)
            return link.taken
    except DeadlinePassed as error:
        raise Unreachable("no mail server", on=str(server), because=error.because) from None
    except OSError as error:  # smtplib's errors and those of TLS are among them
        because = _because(error) if until.left else f"not complete within {until.allowed}"
        raise Unreachable("no mail server", on=str(server), because=because) from None


def _because(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return error.strerror or str(error) or type(error).__name__


def _deliver(server: Server, link: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> None:
    """Sort out what is said of this recipient or message; what is said of the sender or of us may change."""
    try:
        link.sendmail(sender, [recipient], message)
    except smtplib.SMTPRecipientsRefused as error:
        code, said = error.recipients[recipient]
        raise _refusal(server, recipient, code, said) from None
    except smtplib.SMTPDataError as error:
        raise _refusal(server, recipient, error.smtp_code, error.smtp_error) from None


def _refusal(server: Server, recipient: str, code: int, said: bytes | str) -> MainstayError:
    kind = Rejected if 500 <= code < 600 else Unreachable
    return kind("the mail is not taken", on=f"{recipient} at {server}", because=_answer(code, said))


def _log_in(server: Server, link: smtplib.SMTP) -> None:
    link.ehlo_or_helo_if_needed()
    if server.tls == "starttls":
        link.starttls(context=_context(server))
        link.ehlo()
    if server.password:
        link.login(server.user, server.password.reveal())


@contextmanager
def _link(server: Server, until: Deadline) -> Iterator[_Link]:
    """Connect, and cut the line at the deadline: the timeouts of smtplib are for each read, which a slow server can repeat."""
    link = _Link(server, until)
    cut = threading.Timer(until.left, link.cut)
    cut.daemon = True
    cut.start()
    try:
        link.open()
        yield link
        with suppress(OSError):
            link.quit()
    finally:
        cut.cancel()
        link.close()


class _Link(smtplib.SMTP):
    """A connection whose name lookup and TLS are bounded too."""

    def __init__(self, server: Server, until: Deadline) -> None:
        super().__init__(local_hostname=socket.gethostname() or "localhost", timeout=max(0.001, until.left))
        self._server, self._until = server, until
        self._host = server.host  # whose certificate is wanted; smtplib knows it only of the constructor
        self.taken = ""

    def open(self) -> None:
        code, said = self.connect(self._server.host, self._server.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)

    def data(self, msg: Any) -> tuple[int, bytes]:
        """Keep the answer to the message: with 250 the server has taken it, and often names it."""
        code, said = super().data(msg)
        self.taken = _answer(code, said)
        return code, said

    def cut(self) -> None:
        if isinstance(self.sock, socket.socket):
            with suppress(OSError):
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        found = self._bounded(lambda: socket.create_connection((host, port), max(0.001, self._until.left)))
        if self._server.tls == "implicit":
            plain = found
            found = self._bounded(lambda: _context(self._server).wrap_socket(plain, server_hostname=host))
        return found

    def _bounded(self, connect: Callable[[], socket.socket]) -> socket.socket:
        return bounded.within(self._until.left, f"connect {self._server}", connect)


def _context(server: Server) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(server.ca_file) if server.ca_file else None)
    except OSError as error:
        raise ConfigError(f"cannot read the file of authorities {server.ca_file}: {error.strerror}") from error


def _answer(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {text}".strip()
