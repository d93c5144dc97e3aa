"""Notices to webhooks, Slack and Apprise, against real servers on loopback."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.model.notice import Delivery
from mainstay.notify.deliver import Pace, deliver
from mainstay.notify.outbox import Outbox
from mainstay.system import clock
from tests.notify.conftest import Made
from tests.notify.test_mail import fail
from tests.servers import Handler, Site

QUICK = Pace(first=0.02, most=0.05)


def secret(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    (folder / name).chmod(0o600)
    return f"{{file: {folder / name}}}"


def the_one(app: App) -> Delivery:
    (found,) = Outbox(app.site.state).all()
    return found


class Sink:
    """A page that keeps what is posted."""

    def __init__(self, status: int = 200, **headers: str) -> None:
        self.status, self.headers = status, headers
        self.bodies: list[bytes] = []
        self.seen: list[dict[str, str]] = []

    def __call__(self, handler: Handler) -> None:
        self.bodies.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.seen.append(dict(handler.headers.items()))
        handler.answer(self.status, b"no" if self.status >= 300 else b"ok", **self.headers)


def test_a_webhook_gets_json_that_is_signed(made: Made, tmp_path: Path) -> None:
    sink = Sink()
    with Site() as site:
        site.pages["/in"] = sink
        key, token = secret(tmp_path, "key", "k3y"), secret(tmp_path, "token", "Bearer t0ken")
        app = made(f"hook: {{webhook: {{url: '{site.base}/in', secret: {key}, headers: {{Authorization: {token}}}}}}}")
        fail(app)
        assert deliver(app.context).sent == 1
    body = json.loads(sink.bodies[0])
    assert body["schema"] == "mainstay.notice/1"
    assert (body["sort"], body["subject"], body["site"]) == ("failed", "shop: broken FAILED", "shop")
    signed = hmac.new(b"k3y", sink.bodies[0], hashlib.sha256).hexdigest()
    assert sink.seen[0]["X-Mainstay-Signature"] == f"sha256={signed}"
    assert sink.seen[0]["Authorization"] == "Bearer t0ken"


def test_slack_gets_text_in_which_nothing_is_markup(made: Made, tmp_path: Path) -> None:
    sink = Sink()
    with Site() as site:
        site.pages["/services/T0/B0"] = sink
        app = made(f"chat: {{slack: {{url: {secret(tmp_path, 'url', site.base + '/services/T0/B0')}}}}}")
        template = tmp_path / "failed.txt"
        template.write_text("{{ on }} <!channel> & more\n\nbody", encoding="utf-8")
        app = made(f"chat: {{slack: {{url: {{file: {tmp_path}/url}}}}}}", more=f"notice_templates: {{failed: {template}}}\n")
        fail(app)
        assert deliver(app.context).sent == 1
    assert json.loads(sink.bodies[0])["text"].startswith("*broken &lt;!channel&gt; &amp; more*\nbody")


@pytest.mark.parametrize(("asked", "least", "most"), [("300", 290, 301), ("86400", 890, 901), ("later", 0, 9)])
def test_a_pause_that_the_other_side_asks_for_is_kept_for_a_quarter_of_an_hour_at_most(
    made: Made, asked: str, least: int, most: int
) -> None:
    with Site() as site:
        site.pages["/in"] = Sink(429, **{"Retry-After": asked})
        app = made(f"hook: {{webhook: {{url: '{site.base}/in'}}}}")
        fail(app)
        began = clock.now()
        deliver(app.context)
    found = the_one(app)
    assert least <= (found.due - began).total_seconds() <= most + (clock.now() - began).total_seconds()
    assert found.because.endswith("asks for a pause of 5m") == (asked == "300")


@pytest.mark.parametrize(
    ("status", "state"), [(500, "owed"), (503, "owed"), (429, "owed"), (404, "owed"), (400, "failed"), (422, "failed")]
)
def test_what_may_change_is_tried_again_and_what_will_not_is_not(made: Made, status: int, state: str) -> None:
    with Site() as site:
        site.pages["/in"] = Sink(status)
        app = made(f"hook: {{webhook: {{url: '{site.base}/in'}}}}")
        fail(app)
        assert deliver(app.context).sent == 0
    assert the_one(app).state == state
    assert the_one(app).because.endswith(f"status {status}: no")


def test_a_redirect_is_not_followed(made: Made) -> None:
    elsewhere = Sink()
    with Site() as site:
        site.pages["/elsewhere"] = elsewhere
        site.pages["/in"] = Sink(307, Location="/elsewhere")
        app = made(f"hook: {{webhook: {{url: '{site.base}/in'}}}}")
        fail(app)
        assert deliver(app.context).sent == 0
    assert elsewhere.bodies == []
    assert "status 307" in the_one(app).because


def test_a_server_that_says_nothing_is_left_at_the_deadline_and_its_secret_path_is_not_told(made: Made, tmp_path: Path) -> None:
    over = threading.Event()

    def silent(handler: Handler) -> None:
        over.wait(30)

    with Site() as site:
        site.pages["/services/hidden"] = silent
        app = made(f"chat: {{slack: {{url: {secret(tmp_path, 'url', site.base + '/services/hidden')}}}, within: 1}}")
        fail(app)
        assert deliver(app.context).sent == 0
        over.set()
    assert "not complete within 1s" in the_one(app).because
    assert "hidden" not in the_one(app).because


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated")  # of what Apprise imports
def test_apprise_reaches_what_it_knows_and_only_the_schemes_that_are_allowed(made: Made, tmp_path: Path) -> None:
    sink = Sink()
    with Site() as site:
        site.pages["/in"] = sink
        there = secret(tmp_path, "there", site.base.replace("http://", "json://") + "/in")
        app = made(f"sms: {{apprise: {{url: {there}}}}}", f"no: {{apprise: {{url: {there}, schemes: [ntfy]}}}}")
        fail(app)
        assert deliver(app.context).sent == 1
    assert json.loads(sink.bodies[0])["title"] == "shop: broken FAILED"
    refused = next(one for one in Outbox(app.site.state).all() if one.lane.channel == "no")
    assert (refused.state, "'json' is not allowed" in refused.because) == ("owed", True)


def test_a_template_that_fails_is_replaced_and_said_so(made: Made, tmp_path: Path) -> None:
    sink, template = Sink(), tmp_path / "failed.txt"
    template.write_text("{{ nothing.of.the.kind }}", encoding="utf-8")
    with Site() as site:
        site.pages["/in"] = sink
        app = made(f"hook: {{webhook: {{url: '{site.base}/in'}}}}", more=f"notice_templates: {{failed: {template}}}\n")
        fail(app)
        assert deliver(app.context).sent == 1
    told = json.loads(sink.bodies[0])
    assert told["subject"] == "shop: broken FAILED"
    assert f"(The template {template} could not be used" in told["text"]
