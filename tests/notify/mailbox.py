"""A real mail server on loopback: STARTTLS, login, mailboxes that are full, slow or not there; it keeps what it took."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "mainstay", "correct horse"


@dataclass
class Mailbox:
    """What a server took, in order, and how it answers for each recipient."""

    answers: dict[str, str] = field(default_factory=dict)  # by recipient: what it says instead of 250
    slow: dict[str, float] = field(default_factory=dict)  # by recipient: seconds before it takes a message
    taken: list[tuple[str, str]] = field(default_factory=list)  # recipient, Message-ID
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        (recipient,) = envelope.rcpt_tos
        await asyncio.sleep(self.slow.get(recipient, 0))
        mail = message_from_bytes(envelope.content, EmailMessage, policy=default)
        self.taken.append((recipient, mail["Message-ID"]))
        self.mails.append(mail)
        return "250 taken"

    def subjects(self, recipient: str) -> list[str]:
        return [mail["Subject"] for mail in self.mails if mail["To"] == recipient]


def serve(mailbox: Mailbox, port: int, context: ssl.SSLContext | None = None) -> Controller:
    """Start a server; with a TLS context it wants STARTTLS and a login."""
    more: dict[str, Any] = {}
    if context:
        more = {"tls_context": context, "require_starttls": True, "authenticator": _allowed, "auth_required": True}
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **more)
    controller.start()
    return controller


def _allowed(server: Any, session: Session, envelope: Envelope, mechanism: str, found: Any) -> AuthResult:
    assert isinstance(found, LoginPassword)
    right = (found.login.decode(), found.password.decode()) == (USER, PASSWORD)
    return AuthResult(success=right, handled=False)  # handled=True sends no answer for a wrong one


def wait_for(what: Any, within: float = 20) -> None:
    """Wait until something holds; it is a failure of the test when it never does."""
    until = time.monotonic() + within
    while not what():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)
