"""Channels that may not send everything: a limit an hour, texts for telephones, and secrets that stay at home."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from mainstay.app import App
from mainstay.ledger import events
from mainstay.notify import digest
from mainstay.notify.deliver import deliver
from mainstay.notify.outbox import Outbox
from mainstay.notify.redact import redacted
from tests.notify.conftest import Made
from tests.notify.mailbox import Mailbox
from tests.notify.test_mail import QUICK, fail, mail
from tests.notify.test_web import Sink, secret
from tests.servers import Handler, Site


def limited(made: Made, port: int, hourly: int) -> App:
    return made(mail(port, "ops@example.org").replace("}}", f"}}, hourly: {hourly}}}"))


def burn(app: App, reason: str = "a flaw") -> None:
    """Begin an emergency run, as its first event has it."""
    body = {"routine": "well", "launched_by": "ann", "attended": True, "all_or_nothing": False, "watch": 0, "tasks": []}
    app.journal.append(events.RUN_STARTED, {**body, "emergency": {"approver": "bob", "reason": reason}}, run="r1")


@pytest.mark.covers("NTF-05")
def test_the_last_message_of_the_hour_holds_all_that_wait_and_nothing_is_lost(
    made: Made, mailbox: Mailbox, mail_port: int
) -> None:
    app = limited(made, mail_port, 2)
    fail(app, 5)
    assert deliver(app.context, pace=QUICK).sent == 5
    assert len(mailbox.mails) == 2
    found = Outbox(app.site.state).all()
    assert [one.state for one in found] == ["sent"] * 5
    text = mailbox.mails[1].get_content()
    assert mailbox.mails[1]["Subject"] == "shop: 4 notices, the first: broken FAILED"
    assert text.count("== shop: broken FAILED") == 4
    assert all(f"mainstay show {one.notice.id.split(':')[1]}" in text for one in found[1:])


@pytest.mark.covers("NTF-05")
def test_a_full_hour_keeps_notices_until_there_is_room_and_stops_no_emergency(
    made: Made, mailbox: Mailbox, mail_port: int
) -> None:
    app = limited(made, mail_port, 1)
    fail(app)
    deliver(app.context, pace=QUICK)
    fail(app, 2)
    burn(app)
    deliver(app.context, pace=QUICK)
    assert mailbox.subjects("ops@example.org") == ["shop: broken FAILED", "shop: EMERGENCY: well"]
    assert sorted(one.state for one in Outbox(app.site.state).all()) == ["owed", "owed", "sent", "sent"]
    more = limited(made, mail_port, 3)
    deliver(more.context, pace=QUICK)
    assert mailbox.subjects("ops@example.org")[2:] == ["shop: 2 notices, the first: broken FAILED"]
    assert {one.state for one in Outbox(app.site.state).all()} == {"sent"}


def test_an_invitation_is_sent_by_itself(made: Made, mail_port: int) -> None:
    app = limited(made, mail_port, 1)
    fail(app, 2)
    deliver(app.context, pace=QUICK)
    plain = Outbox(app.site.state).all()
    invited = [type(one)(**{**vars(one), "notice": type(one.notice)(**{**vars(one.notice), "invitation": "x"})}) for one in plain]
    assert digest.batch([*plain, *invited], 1) == plain
    assert digest.batch([*invited, *plain], 1) == invited[:1]


class Gateway(Sink):
    """An SMS gateway: it wants a token and two fields of a form, and refuses a number that it does not know."""

    def __call__(self, handler: Handler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        form = {key: value[0] for key, value in parse_qs(body.decode()).items()}
        self.bodies.append(body)
        if handler.headers["Authorization"] != "Bearer t0ken-of-the-gateway":
            handler.answer(401, b"who are you")
        elif set(form) != {"To", "Body", "From"} or len(form["Body"]) > 160 or not form["To"].startswith("+49"):
            handler.answer(422, b"no such number")
        else:
            handler.answer(201, json.dumps({"sid": "SM1"}).encode())


def sms(site: Site, token: str) -> str:
    fields = "{From: shop, To: '{to}', Body: '{text}'}"
    return (
        f"phone: {{sms: {{url: '{site.base}/sms', to: ['+49301234567', '+12125550100'], form: true, fields: {fields}, "
        f"headers: {{Authorization: {token}}}}}, gets: [failed]}}"
    )


@pytest.mark.covers("NTF-05")
def test_a_gateway_gets_one_short_text_for_each_number_and_each_answer_is_kept(made: Made, tmp_path: Path) -> None:
    gateway = Gateway()
    with Site() as site:
        site.pages["/sms"] = gateway
        app = made(sms(site, secret(tmp_path, "token", "Bearer t0ken-of-the-gateway")))
        fail(app)
        deliver(app.context, pace=QUICK)
    found = {one.lane.recipient: (one.state, one.because) for one in Outbox(app.site.state).all()}
    assert found["+49301234567"] == ("sent", "status 201")
    assert found["+12125550100"][0] == "failed"
    assert "status 422: no such number" in found["+12125550100"][1]
    text = parse_qs(gateway.bodies[0].decode())["Body"][0]
    assert text.startswith("shop: broken FAILED. ")
    assert len(text) <= 160


@pytest.mark.covers("NTF-05")
def test_the_log_has_what_the_server_answered(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"))
    fail(app)
    deliver(app.context, pace=QUICK)
    (found,) = Outbox(app.site.state).all()
    assert found.because == f"250 taken, {mailbox.taken[0][1]}"


@pytest.mark.covers("NTF-05")
def test_what_a_program_printed_leaves_without_its_secrets(made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path) -> None:
    hook = (
        f"hook: {{webhook: {{url: 'http://127.0.0.1:9/', secret: {secret(tmp_path, 'key', 'staple-of-battery')}}}, gets: [lead]}}"
    )
    app = made(mail(mail_port, "ops@example.org"), hook)
    said = "staple-of-battery postgresql://shop:hunter2@db/shop PGPASSWORD=hunter3 Authorization: Bearer abcdefgh12345678"
    burn(app, said)
    deliver(app.context, pace=QUICK)
    text = mailbox.mails[0].get_content()
    assert "Why: *** postgresql://shop:***@db/shop PGPASSWORD=*** Authorization: Bearer ***" in text


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('{"password": "a b c", "user": "ann"}', '{"password": ***, "user": "ann"}'),
        ("api_key=abc123&page=2", "api_key=***&page=2"),
        ("redis://:hunter2@cache:6379", "redis://:***@cache:6379"),
        ("key AKIAIOSFODNN7EXAMPLE ends", "key *** ends"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest", "***\nrest"),
        ("exit code 1, expected 0", "exit code 1, expected 0"),
    ],
)
def test_what_has_the_shape_of_a_secret_is_blotted_out(made: Made, said: str, left: str) -> None:
    assert redacted(made().site, said) == left
