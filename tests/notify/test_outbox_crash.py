"""kill -9 before and after every write of the outbox: nothing is lost, order is kept, and what comes twice has one name."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.ledger import events
from mainstay.model.channel import Smtp
from mainstay.notify import send
from mainstay.notify.outbox import Outbox
from tests.notify.conftest import Made
from tests.notify.mailbox import Mailbox
from tests.notify.test_mail import fail, mail

ROOT = Path(__file__).parents[2]
WHO = ("ann@example.org", "bob@example.org")
WEEKLY = {
    "windows": 'weekly: {rule: "sunday 02:00", length: 1h, notices: ["14d"]}',
    "routines": "weekly: {tasks: [good.run], window: weekly}",
}


def deliver(folder: Path, number: int = 0, when: str = "never") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tests.notify.die", str(folder / "mainstay.yaml"), str(number), when]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def killed(folder: Path, number: int, when: str) -> str:
    """Deliver and be killed; return what was being written, "" when all was done before."""
    done = deliver(folder, number, when)
    if done.returncode == 0:
        return ""
    assert done.returncode == -signal.SIGKILL, done.stderr
    return (folder / "killed").read_text(encoding="utf-8")


def recovered(folder: Path) -> None:
    for _ in range(50):
        done = deliver(folder)
        assert done.returncode == 0, done.stderr
        if done.stdout.strip() == "0":
            return
    raise AssertionError("something is still owed")


def leads(app: App) -> int:
    """Count the lead times that the journal says are owed."""
    return len(list(app.journal.events(kinds=(events.NOTICE_OWED,))))


def once(names: list[str]) -> list[str]:
    return [name for number, name in enumerate(names) if name not in names[:number]]


def recorded(app: App) -> list[tuple[str, str]]:
    """Return what the outbox has as sent: recipient and Message-ID."""
    way = app.site.channels["mail"].shape.way
    assert isinstance(way, Smtp)
    sent = [one for one in Outbox(app.site.state).all() if one.state == "sent"]
    mails = [(one.lane.recipient, send.mail(way, one.lane.recipient, app.site.name, one.notice)) for one in sent]
    return [(who, message_from_bytes(text)["Message-ID"]) for who, text in mails]


@dataclass
class Attempt:
    """One death and what came of it."""

    fired: bool
    lost: int
    doubled: int


def attempt(app: App, mailbox: Mailbox, number: int, when: str) -> Attempt:
    """Owe notices to two people, one of whom has a full mailbox at first; kill, recover, and judge."""
    folder = app.site.state.parent
    mailbox.answers[WHO[1]] = "452 4.2.2 mailbox full"
    fail(app, 2)
    what = killed(folder, number, when)
    known = recorded(app)
    mailbox.answers.clear()
    recovered(folder)
    told = [[id for to, id in mailbox.taken if to == who] for who in WHO]
    twice = [one for one, times in Counter(mailbox.taken).items() if times > 1]
    assert once(told[0]) == once(told[1])
    assert not set(twice) & set(known), "what was recorded as sent was sent again"
    assert twice or (what, when) != ("sent", "before")
    return Attempt(bool(what), 2 * (2 + leads(app)) - len(set(mailbox.taken)), len(twice))


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_every_write(when: str, made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path) -> None:
    found: list[Attempt] = []
    while not found or found[-1].fired:
        for file in (tmp_path / "state").glob("*.db*"):
            file.unlink()
        mailbox.taken.clear()
        found.append(attempt(made(mail(mail_port, *WHO), **WEEKLY), mailbox, len(found) + 1, when))
    fired, lost, doubled = len(found) - 1, sum(one.lost for one in found), sum(one.doubled for one in found)
    print(f"\n{fired} kills {when} a write fired: {lost} notices lost, {doubled} came twice, all without our record of the 250")
    assert lost == 0
    assert fired > 5
    assert doubled or when == "after"
