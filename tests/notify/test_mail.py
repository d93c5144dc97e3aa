"""Notices through a real mail server: encrypted, logged in, refused, full, down, slow."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.errors import Refused
from mainstay.model.task import Lock
from mainstay.notify.deliver import LOCK, Pace, deliver
from mainstay.notify.outbox import Outbox
from mainstay.system import locks
from tests.notify.conftest import Made
from tests.notify.mailbox import PASSWORD, USER, Mailbox, serve, wait_for
from tests.servers import Authority

QUICK = Pace(look=0.02, calendar=0.1, first=0.05, most=0.2, leave=5)


def mail(port: int, *to: str, more: str = "tls: none") -> str:
    address = f"host: localhost, port: {port}, sender: mainstay@example.org, to: [{', '.join(to)}]"
    return f"mail: {{smtp: {{{address}, {more}}}}}"


def fail(app: App, times: int = 1) -> None:
    for _ in range(times):
        app.run("broken", Launch(by="ann", envelope=app.forecast("broken").envelope))


def states(app: App) -> list[tuple[str, str]]:
    return [(one.lane.recipient, one.state) for one in Outbox(app.site.state).all()]


def with_login(folder: Path, authority: Authority, password: str) -> str:
    secret = folder / "password"
    secret.write_text(password, encoding="utf-8")
    secret.chmod(0o600)
    return f"ca_file: {authority.file}, user: {USER}, password: {{file: {secret}}}"


def test_starttls_and_login_and_what_the_message_says(made: Made, mailbox: Mailbox, free_port: int, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = serve(mailbox, free_port, authority.context(timedelta(1), timedelta(9)))
    app = made(mail(free_port, "ops@example.org", more=with_login(tmp_path, authority, PASSWORD)))
    fail(app)
    assert deliver(app.context, pace=QUICK).sent == 1
    server.stop()
    (message,) = mailbox.mails
    text = message.get_content()
    assert message["Subject"] == "shop: broken FAILED"
    assert message["Auto-Submitted"] == "auto-generated"
    assert "exit code 1, expected 0" in text
    assert "Questions: ops@example.org" in text


def test_a_wrong_password_keeps_the_notice_and_is_told_without_it(
    made: Made, mailbox: Mailbox, free_port: int, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    server = serve(mailbox, free_port, authority.context(timedelta(1), timedelta(9)))
    app = made(mail(free_port, "ops@example.org", more=with_login(tmp_path, authority, "battery staple")))
    fail(app)
    assert deliver(app.context, pace=QUICK).sent == 0
    (owed,) = Outbox(app.site.state).all()
    assert owed.state == "owed"
    assert "535" in owed.because
    assert "staple" not in owed.because
    (tmp_path / "password").write_text(PASSWORD, encoding="utf-8")
    wait_for(lambda: deliver(app.context, pace=QUICK).sent == 1)
    server.stop()
    assert len(mailbox.taken) == 1


def test_a_certificate_of_somebody_else_gets_no_password(made: Made, mailbox: Mailbox, free_port: int, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    server = serve(mailbox, free_port, other.context(timedelta(1), timedelta(9)))
    app = made(mail(free_port, "ops@example.org", more=with_login(tmp_path, authority, PASSWORD)))
    fail(app)
    assert deliver(app.context, pace=QUICK).sent == 0
    server.stop()
    assert "certificate" in Outbox(app.site.state).all()[0].because.lower()


def test_a_full_mailbox_waits_and_keeps_nobody_else_waiting(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    mailbox.answers["full@example.org"] = "452 4.2.2 mailbox full"
    app = made(mail(mail_port, "full@example.org", "ops@example.org"))
    fail(app, 2)
    deliver(app.context, pace=QUICK)
    assert states(app) == [("full@example.org", "owed"), ("ops@example.org", "sent")] * 2
    mailbox.answers.clear()
    wait_for(lambda: deliver(app.context, pace=QUICK).owed == 0)
    ids = [[id for to, id in mailbox.taken if to == who] for who in ("full@example.org", "ops@example.org")]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 2


def test_a_recipient_who_is_not_there_ends_as_failed_and_blocks_nothing(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    mailbox.answers["gone@example.org"] = "550 5.1.1 no such user"
    app = made(mail(mail_port, "gone@example.org"))
    fail(app, 2)
    deliver(app.context, pace=QUICK)
    assert [(one.state, one.attempts) for one in Outbox(app.site.state).all()] == [("failed", 1)] * 2
    assert "550 5.1.1 no such user" in Outbox(app.site.state).all()[0].because
    mailbox.answers.clear()
    fail(app)
    assert deliver(app.context, pace=QUICK).sent == 1


def test_a_server_that_is_down_gets_all_of_it_in_order_once_it_is_back(made: Made, mailbox: Mailbox, free_port: int) -> None:
    app = made(mail(free_port, "ops@example.org"))
    fail(app, 3)
    assert deliver(app.context, pace=QUICK).sent == 0
    stop = threading.Event()
    loop = threading.Thread(target=deliver, args=(app.context, stop, QUICK))
    loop.start()
    wait_for(lambda: Outbox(app.site.state).all()[0].attempts >= 3)
    server = serve(mailbox, free_port)
    wait_for(lambda: len(mailbox.taken) == 3)
    stop.set()
    loop.join(10)
    server.stop()
    assert not loop.is_alive()
    numbers = [one.notice.id for one in Outbox(app.site.state).all()]
    assert len(set(mailbox.taken)) == 3
    assert numbers == sorted(numbers, key=lambda id: int(id.rpartition(":")[2]))
    assert [one.state for one in Outbox(app.site.state).all()] == ["sent"] * 3


def test_a_slow_channel_never_blocks_another(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    mailbox.slow["slow@example.org"] = 3600
    slow = mail(mail_port, "slow@example.org").replace("mail:", "slow:", 1).replace("}}", "}, within: 5}")
    app = made(slow, mail(mail_port, "ops@example.org"))
    fail(app, 3)
    stop = threading.Event()
    loop = threading.Thread(target=deliver, args=(app.context, stop, Pace(look=0.02, leave=0.1)))
    loop.start()
    wait_for(lambda: len(mailbox.subjects("ops@example.org")) == 3)
    assert mailbox.subjects("slow@example.org") == []
    stop.set()
    loop.join(10)
    assert not loop.is_alive()
    wait_for(lambda: not [one for one in threading.enumerate() if one.name.startswith("slow")])


def test_a_server_that_drips_is_cut_off_at_the_deadline(made: Made, free_port: int) -> None:
    app = made(mail(free_port, "ops@example.org").replace("}}", "}, within: 1}"))
    fail(app)
    over = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            for _ in range(200):
                if over.wait(0.1):
                    return
                try:
                    connection.sendall(b"2")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", free_port)) as listener:
        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        assert deliver(app.context, pace=QUICK).sent == 0
        over.set()
        thread.join()
    assert "not complete within 1s" in Outbox(app.site.state).all()[0].because


def test_what_is_wanted_is_what_is_got(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org").replace("}}", "}, gets: [waiting]}"))
    fail(app)
    app.run("asking", Launch(by="ann", envelope=app.forecast("asking").envelope))
    deliver(app.context, pace=QUICK)
    assert mailbox.subjects("ops@example.org") == ["shop: asking waits for a person"]


def test_two_processes_do_not_deliver_at_once(made: Made, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"))
    fail(app)
    held = locks.acquire(app.context.locks, Lock(LOCK), "somebody")
    with pytest.raises(Refused, match="somebody"):
        deliver(app.context)
    held.release()
    assert deliver(app.context).sent == 1
