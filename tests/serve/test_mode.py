"""kill -9 of the service itself while the page of a real nginx is up: it is lifted, or it stays and people are told.

A second process settles, as mainstay-settle.timer does. The page is announced for ten minutes; all waits here end before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from mainstay.model.units import Duration
from mainstay.system import http
from tests.live.nginx_server import Nginx, running
from tests.notify.mailbox import Mailbox, serve
from tests.serve.served import PROGRAM, Service, Site, until

pytestmark = pytest.mark.slow
NIGHT = {"rule": "every 10m", "length": "20m", "max_impact": "downtime"}  # at any time there are ten minutes left
PATIENCE = 180.0  # seconds; the page is expected to last 600
SETTLES = 'while :; do if test -e "$0.wait"; then touch "$0.waits"; else "$@" settle --every 1m; fi; sleep 1; done'


@dataclass
class Night:
    """A routine at work under the page, and everybody who has to do with it."""

    site: Site
    nginx: Nginx
    mailbox: Mailbox
    service: Service

    @property
    def page(self) -> int:
        """What a user gets."""
        return http.fetch(http.Request(self.nginx.url()), Duration(5)).status

    @property
    def run(self) -> dict[str, Any]:
        return self.site.runs()[0]

    def kill(self, *, with_children: bool = True, cancel: bool = False) -> float:
        """Kill the service while the page is up, with all that it has started, as systemd ends a control group; return when.

        With `cancel`, a person cancels the run before the timer comes by.
        """
        wait, waits = self.site.folder / "timer.wait", self.site.folder / "timer.waits"
        wait.touch()
        self.wait(waits.exists)
        assert self.page == 503
        family = psutil.Process(self.service.process.pid).children(recursive=True) if with_children else []
        self.service.kill()
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        assert self.page == 503
        if cancel:
            self.site.call("cancel", "last", "--remark", "the office is open")
        wait.unlink()
        return time.monotonic()

    def wait(self, holds: Any) -> None:
        until(holds, lambda: f"{json.dumps(self.run)}\n{self.site.done()}", seconds=PATIENCE)


@pytest.fixture
def mailbox(free_port: int) -> Iterator[Mailbox]:
    found = Mailbox()
    server = serve(found, free_port)
    yield found
    server.stop()


@contextmanager
def night(site: Site, mailbox: Mailbox, port: int, change: str, *, check: str = "true", **settings: Any) -> Iterator[Night]:
    """Start the service, and wait until a scheduled run has put the page up and is at work under it."""
    (site.folder / "nginx").mkdir()
    with running(site.folder / "nginx") as nginx, settling(site):
        site.settings["targets"]["web"] = nginx.settings()
        done, undo = site.script('test "$(grep -xE "(un)?menu" $E | tail -n 1)" = menu'), site.script("echo unmenu >> $E")
        site.command("menu", change, neutral=False, impact="downtime", done=done, undo=undo, **settings)
        site.command("api", "true", after=site.script(check))
        site.routine("night", window=NIGHT, checks=["api.check"], around=[{"web.maintenance": {"lasts": "10m"}}])
        site.settings["routines"]["night"]["tasks"] = [{"menu.run": {"budget": "1m"}}]
        smtp = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "m@example.org", "to": ["ops@example.org"]}
        site.settings |= {"notify": {"mail": {"smtp": smtp}}, "serve": {"retry": "1s"}}
        site.write()
        site.call("run", "web.setup", "--yes")
        with site.serving() as service:
            found = Night(site, nginx, mailbox, service)
            until(site.done, lambda: service.told, seconds=PATIENCE)
            yield found


@contextmanager
def settling(site: Site) -> Iterator[None]:
    """Settle every second or so in another process, and end that by its process group."""
    argv = ["/bin/sh", "-c", SETTLES, str(site.folder / "timer"), *PROGRAM, "--config", str(site.file)]
    timer = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True)
    try:
        yield
    finally:
        os.killpg(timer.pid, signal.SIGKILL)
        timer.wait(timeout=30)


HANGS = "n=0; until test -e $E.go || test $n = 300; do sleep 1; n=$((n+1)); done"
BEFORE = f"echo begun >> $E; {HANGS}; echo menu >> $E"
AFTER = f"echo menu >> $E; {HANGS}"


def told(outcome: str, since: float) -> None:
    print(f"\n1 kills of serve fired with the page up, {outcome} after {time.monotonic() - since:.0f} s of 600")


@pytest.mark.covers("MODE-02")
def test_killed_before_the_change_the_run_goes_on_and_the_page_is_lifted(site: Site, mailbox: Mailbox, free_port: int) -> None:
    with night(site, mailbox, free_port, BEFORE) as found:
        killed = found.kill()
        site.effects.with_suffix(".go").touch()
        found.wait(lambda: found.page == 200)
        told("nothing changed: the run goes on, lifted", killed)
        found.wait(lambda: found.run["settled"])
    assert (found.run["status"], site.done()) == ("changed", ["begun", "begun", "menu"])


def test_killed_before_the_change_it_is_lifted_whatever_the_checks_say(site: Site, mailbox: Mailbox, free_port: int) -> None:
    looks = site.script(f"test -e {site.folder}/nginx/mode/on || exit 0; echo looked >> $E; {HANGS}")  # when the page is up
    with night(site, mailbox, free_port, "echo menu >> $E", check="! test -e $E.broken", before=looks) as found:
        site.effects.with_suffix(".broken").touch()
        killed = found.kill(cancel=True)
        site.effects.with_suffix(".go").touch()
        found.wait(lambda: found.page == 200)
        told("nothing changed, a check fails: lifted", killed)
        found.wait(lambda: found.run["settled"])
    assert set(site.done()) == {"looked"}


@pytest.mark.covers("MODE-02")
def test_killed_after_the_change_it_is_lifted_when_the_checks_pass(site: Site, mailbox: Mailbox, free_port: int) -> None:
    with night(site, mailbox, free_port, AFTER) as found:
        killed = found.kill()
        found.wait(lambda: found.page == 200)
        told("changed, the checks pass: lifted", killed)
        found.wait(lambda: found.run["settled"])
    assert (found.run["status"], site.done()) == ("changed", ["menu"])


@pytest.mark.covers("MODE-02")
def test_killed_after_a_change_that_broke_something_it_stays_and_people_are_told(
    site: Site, mailbox: Mailbox, free_port: int
) -> None:
    with night(site, mailbox, free_port, AFTER, check="! grep -qx menu $E") as found:
        killed = found.kill()
        found.wait(lambda: mailbox.mails)
        told("changed, a check fails: it stays, and people are told", killed)
        assert found.page == 503
        (mail,) = mailbox.mails
        body = mail.get_body(("plain",))
        assert body
        assert "web.maintenance stays in force, because a check fails" in " ".join(body.get_content().split())
        assert not found.run["settled"]
    assert site.done() == ["menu", "unmenu"]  # what it broke, no undo mends


def test_killed_without_its_run_the_run_lifts_the_page_by_itself(site: Site, mailbox: Mailbox, free_port: int) -> None:
    with night(site, mailbox, free_port, BEFORE) as found:
        killed = found.kill(with_children=False)
        site.effects.with_suffix(".go").touch()
        found.wait(lambda: found.page == 200)
        told("its run lives: lifted by it", killed)
    assert site.done() == ["begun", "menu"]
