"""The alert path end to end: an alert through each channel, the receipt of the other side, a person who heard it, a heartbeat."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.ledger import heartbeat
from mainstay.model.units import Duration
from mainstay.notify import ping
from mainstay.notify.deliver import deliver
from mainstay.notify.outbox import Outbox
from mainstay.system import clock
from tests.cli.shop import Shop
from tests.notify.conftest import Made
from tests.notify.mailbox import Mailbox
from tests.notify.test_mail import QUICK, fail, mail
from tests.notify.test_web import Sink, secret
from tests.servers import Handler, Site

PROGRAM = [sys.executable, "-c", "from mainstay.cli.main import main; main()"]


def channels(port: int, site: Site, *, confirm: str = "") -> tuple[str, str]:
    """Return a mail channel, and a webhook that gets nothing but leads: a drill goes there all the same."""
    way = mail(port, "ops@example.org")
    return way.replace(
        "}}", f"}}, {confirm}}}"
    ) if confirm else way, f"hook: {{webhook: {{url: '{site.base}/in'}}, gets: [lead]}}"


def later(folder: Path, time: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Call the program so much later, by the clock of the system."""
    command = ["faketime", "-f", time, *PROGRAM, *words]
    return subprocess.run(command, cwd=folder, text=True, capture_output=True, check=False, timeout=60)


@pytest.mark.covers("POST-11")
def test_a_drill_goes_through_each_channel_and_tells_what_the_other_side_answered(
    made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path
) -> None:
    with Site() as site:
        site.pages["/in"] = Sink(202)
        made(*channels(mail_port, site))
        printed = Shop(tmp_path).run("notify", "drill")
    assert f"mail to ops@example.org: taken: 250 taken, {mailbox.taken[0][1]}" in printed
    assert "hook: taken: status 202" in printed
    assert mailbox.subjects("ops@example.org") == ["shop: alert test"]


@pytest.mark.covers("POST-11")
def test_a_channel_that_does_not_take_it_is_named_and_ends_with_4(
    made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path
) -> None:
    with Site() as site:
        site.pages["/in"] = Sink(500)
        made(*channels(mail_port, site))
        printed = Shop(tmp_path).run("notify", "drill", "--within", "60s", code=4)
    assert "hook: not taken (owed): the notice is not taken" in printed
    assert "not every channel took the alert" in printed
    assert len(mailbox.mails) == 1


@pytest.mark.covers("POST-11")
def test_a_person_confirms_the_code_of_the_alert_and_silence_is_told_through_the_others(
    made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path
) -> None:
    hook, shop = Sink(), Shop(tmp_path)
    with Site() as site:
        site.pages["/in"] = hook
        made(*channels(mail_port, site, confirm="confirm: 24h"), more="")
        file = tmp_path / "mainstay.yaml"
        file.write_text(file.read_text().replace("gets: [lead]", "gets: [drill]"))
        shop.run("notify", "drill", "mail")
        code = re.search(r"code (\w{6})", mailbox.mails[0]["Subject"])
        assert code
        assert code[1] not in shop.run("notify", "drill", "hook")
        assert "nobody has confirmed the test of" in later(tmp_path, "+25h", "notify", "drill", "mail").stdout
        assert later(tmp_path, "+25h", "status").stdout.count("Nobody has confirmed") == 0  # the newest is a minute old
        assert "no alert had that code" in shop.run("notify", "ack", "ZZZZZZ", code=3)
        assert "mail was heard by ann" in shop.run("notify", "ack", code[1].lower(), "--name", "ann")
        assert "it was said before" in shop.run("notify", "ack", code[1], code=3)
        assert "Nobody has confirmed the test of mail" in later(tmp_path, "+50h", "status").stdout
        later(tmp_path, "+50h", "notify", "send")
    assert "nobody has heard the alert of channel mail" in hook.bodies[-1].decode()


@pytest.mark.covers("POST-11")
def test_a_routine_tests_the_alert_path_as_one_of_its_tasks(made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path) -> None:
    words = ", ".join(f'"{word}"' for word in [*PROGRAM, "--config", str(tmp_path / "mainstay.yaml"), "notify", "drill"])
    made(mail(mail_port, "ops@example.org"))
    file = tmp_path / "mainstay.yaml"
    alarm = f"  alarm: {{kind: command, argv: [{words}], impact: none, on_unknown: rerun}}\n  good:"
    text = file.read_text().replace("  good:", alarm, 1)
    file.write_text(text.replace("  broken:", "  weekly: {tasks: [good.run, alarm.run]}\n  broken:", 1))
    shop = Shop(tmp_path)
    shop.run("run", "weekly", "--yes")
    assert f"250 taken, {mailbox.taken[0][1]}" in shop.run("show", "last", "--output")


class Monitor(Sink):
    """A monitor outside: it counts the calls of one secret path."""

    def __call__(self, handler: Handler) -> None:
        self.bodies.append(handler.command.encode())
        handler.answer(self.status, b"OK")


def watched(made: Made, tmp_path: Path, url: str, *ways: str) -> App:
    return made(*ways, more=f"heartbeat: {{url: {secret(tmp_path, 'ping', url)}, every: 5m, within: 30s}}\n")


@pytest.mark.covers("POST-11")
def test_the_monitor_outside_is_called_while_runs_are_settled_and_no_more_often_than_it_says(made: Made, tmp_path: Path) -> None:
    monitor = Monitor()
    with Site() as site:
        site.pages["/ping/s3cret"] = monitor
        watched(made, tmp_path, f"{site.base}/ping/s3cret")
        shop = Shop(tmp_path)
        shop.run("settle")  # by hand: that nobody does it again is what the monitor has to notice
        assert monitor.bodies == []
        shop.run("settle", "--every", "1m")
        shop.run("settle", "--every", "1m")
        assert monitor.bodies == [b"GET"]
        assert later(tmp_path, "+5m", "settle", "--every", "1m").returncode == 0
    assert monitor.bodies == [b"GET", b"GET"]


@pytest.mark.covers("POST-11")
def test_a_notice_that_nobody_takes_for_an_hour_silences_the_heartbeat(made: Made, tmp_path: Path) -> None:
    monitor = Monitor()
    with Site() as site:
        site.pages["/ping"] = monitor
        app = watched(made, tmp_path, f"{site.base}/ping", mail(1, "ops@example.org"))
        fail(app)
        deliver(app.context, pace=QUICK)
        now = clock.now()
        first = ping.ping(app.site, now)
        assert first
        assert first.because == ""
        late = ping.ping(app.site, now + timedelta(minutes=61))
    assert late
    assert "a notice was not delivered to mail to ops@example.org for an hour" in late.because
    assert late.well == now
    assert len(monitor.bodies) == 1
    assert Outbox(app.site.state).all()[0].state == "owed"


def test_a_monitor_that_is_away_is_told_by_status_without_its_path_and_tried_again(made: Made, tmp_path: Path) -> None:
    app = watched(made, tmp_path, "http://127.0.0.1:9/ping/s3cret")
    app.sweep(Duration(60))
    found = heartbeat.pinged(app.site.state)
    assert found
    assert found.because.startswith("http://127.0.0.1:9: ")
    assert "s3cret" not in found.because
    assert "Heartbeat: the monitor outside is not called" in Shop(tmp_path).run("status", code=0)
    assert ping.ping(app.site, clock.now()) is not None
