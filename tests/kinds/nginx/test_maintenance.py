"""The maintenance mode of a real nginx, as its users see it."""

from __future__ import annotations

import http.client as http_client
import json
import re
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from mainstay.ledger import events
from mainstay.model.run import RunRecord, Status
from mainstay.model.units import Duration
from mainstay.system import http
from mainstay.system.http import Request
from tests.crash.die import die
from tests.engine.shop import Shop
from tests.kinds.nginx.conftest import run
from tests.live.load import load
from tests.live.nginx_server import Nginx


def ask(url: str, method: http.Method = "GET", **headers: str) -> http.Response:
    return http.fetch(Request(url, method, headers, body=b"x=1" if method == "POST" else b""), Duration(10))


def ask_from(address: str, port: int) -> int:
    with closing(http_client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(address, 0))) as link:
        link.request("GET", "/")
        return link.getresponse().status


def on(shop: Shop, lasts: float = 1800) -> RunRecord:
    return shop.open().mode_on("web", Duration(lasts), "New shelves.")


@pytest.mark.covers("MODE-03")
def test_under_load_users_get_200_or_503_and_no_connection_breaks(ready: Shop, server: Nginx) -> None:
    ready.change("menu", text="echo menu >> $LOG; sleep 0.5")
    app = ready.open()
    with load(server.port) as users:
        time.sleep(0.3)
        record = run(app)
        time.sleep(0.3)
    assert (record.settled, ready.effects) == (True, ["menu"])
    assert users.broken == []
    assert users.statuses == {200, 503}
    assert min(users.count(503, "GET"), users.count(503, "POST"), users.count(200, "GET"), users.count(200, "POST")) > 50
    print(f"{sum(users.answers.values())} of requests, {users.count(503)} were 503, {len(users.broken)} socket errors")


@pytest.mark.covers("MODE-03")
def test_every_method_gets_503_and_when_to_come_back(ready: Shop, server: Nginx) -> None:
    on(ready)
    for method in ("GET", "HEAD", "POST"):
        answer = ask(server.url("/orders"), method)
        assert (answer.status, answer.header("Cache-Control")) == (503, "no-store")
        back = parsedate_to_datetime(answer.header("Retry-After") or "")
        assert 1700 < (back - datetime.now(UTC)).total_seconds() <= 1800
    assert ask(server.url("/index.php")).status == 503  # a location of its own


@pytest.mark.covers("MODE-03", "MODE-04")
def test_people_get_the_page_and_programs_get_json(ready: Shop, server: Nginx) -> None:
    ready.targets["web"] = server.settings(status_link="https://status.shop.example")
    on(ready)
    page = ask(server.url(), Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert page.header("Content-Type") == "text/html; charset=utf-8"
    assert b"New shelves." in page.body
    assert not re.search(rb"src=|url\(|@import|href=\"(?!data:|https://status)", page.body)  # nothing else is needed to see it
    until, begun = (re.search(rb'id="%s" datetime="([^"]+)"' % name, page.body) for name in (b"until", b"begun"))
    assert until
    assert begun
    assert datetime.fromisoformat(until[1].decode()) - datetime.fromisoformat(begun[1].decode()) == timedelta(minutes=30)
    assert b'href="https://status.shop.example"' in page.body
    told = ask(server.url("/v1/orders"), "POST", Accept="application/json")
    assert told.header("Content-Type") == "application/json"
    assert json.loads(told.body).items() >= {"status": 503, "detail": "New shelves."}.items()


@pytest.mark.covers("MODE-03")
def test_what_is_exempt_passes(ready: Shop, server: Nginx) -> None:
    on(ready)
    passing = ("/health", "/health/deep", "/.well-known/acme-challenge/token")
    assert [ask(server.url(path)).status for path in passing] == [200, 200, 200]
    assert ask(server.url("/healthy")).status == 503


@pytest.mark.covers("MODE-03")
def test_operators_pass(ready: Shop, server: Nginx) -> None:
    ready.targets["web"] = server.settings(operators=["127.0.0.8/30"])
    run(ready.open(), "web.setup")
    on(ready)
    answers = [ask_from(address, server.port) for address in ("127.0.0.9", "127.0.0.4")]
    assert answers == [200, 503]


@pytest.mark.covers("MODE-01")
def test_a_mode_that_is_not_seen_from_outside_is_not_on(ready: Shop, server: Nginx) -> None:
    ready.targets["web"] = server.settings(operators=["127.0.0.0/30"], proof_within="500ms")  # Mainstay's own address among them
    run(ready.open(), "web.setup")
    record = on(ready)
    assert record.status is Status.FAILED
    assert "not seen from outside" in record.because
    assert not (server.folder / "mode" / "on").is_symlink()


@pytest.mark.covers("MODE-07")
def test_it_is_on_only_around_the_work_that_needs_it(ready: Shop, server: Nginx) -> None:
    asks = f"curl -s -o /dev/null -w '%{{http_code}}\\n' {server.url()} >> $LOG"
    for name, impact in (("before", "none"), ("menu", "downtime"), ("after", "load")):
        ready.command(name, asks, impact=impact, neutral=True)
    ready.routines["daily"]["tasks"] = ["before.run", "menu.run", "after.run"]
    assert run(ready.open()).settled
    assert ready.effects == ["200", "503", "200"]


@pytest.mark.covers("MODE-04")
def test_the_page_needs_nothing_behind_it(ready: Shop, server: Nginx) -> None:
    on(ready)
    text = (server.folder / "nginx.conf").read_text()
    (server.folder / "nginx.conf").write_text(
        text.replace(f"listen 127.0.0.1:{server.behind}", f"listen 127.0.0.1:{server.port + 1}")
    )
    server.stop()
    server.start()
    assert ask(server.url("/health")).status == 502
    assert b"New shelves." in ask(server.url()).body


def test_what_a_user_writes_into_the_reason_is_text(ready: Shop, server: Nginx) -> None:
    ready.open().mode_on("web", Duration(600), "<script>alert(1)</script> & 'more': yes")
    assert b"&lt;script&gt;alert(1)" in ask(server.url()).body
    assert json.loads(ask(server.url(), Accept="application/json").body)["detail"] == "<script>alert(1)</script> & 'more': yes"


@pytest.mark.covers("MODE-01")
def test_requests_under_way_are_waited_for(ready: Shop, server: Nginx) -> None:
    ready.targets["web"] = server.settings(stub_status=server.url("/stub"), exempt=["/health", "/stub"], drain="10s")
    run(ready.open(), "web.setup")
    slow = threading.Thread(target=ask, args=(server.url("/slow"),))
    slow.start()
    time.sleep(0.3)
    record = on(ready)
    assert not slow.is_alive()
    assert record.tasks[0].steps[0].output == "no request was under way any more"


@pytest.mark.covers("MODE-02")
@pytest.mark.parametrize(("kind", "count"), [(events.STEP_STARTED, 1), (events.STEP_ENDED, 1), (events.STEP_STARTED, 2)])
def test_a_death_with_the_mode_on_is_brought_to_its_end(ready: Shop, server: Nginx, kind: str, count: int) -> None:
    ready.open()
    die(ready.folder, kind, count, "run", "daily")
    assert ready.open().sweep()[0].settled
    assert ask(server.url()).status == 200
    assert ready.effects == ["menu"]


@pytest.mark.covers("MODE-02")
def test_a_death_after_a_change_that_broke_it_keeps_the_mode_until_the_check_passes(ready: Shop, server: Nginx) -> None:
    ready.targets["api"] = {
        "kind": "command",
        "argv": ["/bin/true"],
        "after": ready.script("! grep -q menu $LOG || test -e $LOG.mended"),
    }
    ready.routines["daily"]["checks"] = ["api.check"]
    ready.open()
    die(ready.folder, events.STEP_ENDED, 2, "run", "daily")
    assert ask(server.url()).status == 503
    swept = ready.open().sweep()[0]
    assert (swept.settled, ask(server.url()).status) == (False, 503)
    assert "web.maintenance stays in force, because a check fails: api.check" in swept.because
    (ready.folder / "effects.log.mended").touch()
    assert ready.open().sweep()[0].settled
    assert ask(server.url()).status == 200


def test_a_flag_of_nobody_is_found_and_taken_over(ready: Shop, server: Nginx) -> None:
    record = on(ready)
    app = ready.open()
    app.settle(record.id, "ann", "I look after it")
    (finding,) = app.check(["web"])[0].findings
    assert "on, and of no open run" in str(finding)
    assert run(app).settled
    assert ask(server.url()).status == 200


def test_a_mode_by_hand_is_lifted_by_the_person_who_comes_back(ready: Shop, server: Nginx) -> None:
    on(ready)
    assert ready.open().mode_off("web", "ann", "").settled
    assert ask(server.url()).status == 200


def test_a_mode_that_could_not_be_lifted_is_lifted_when_it_can_be(ready: Shop, server: Nginx) -> None:
    ready.targets["web"] = server.settings(proof_within="500ms")
    on(ready)
    server.stop()
    assert not ready.open().mode_off("web", "ann", "").settled  # nobody answers: nobody can see that it is gone
    server.start()
    assert ready.open().mode_off("web", "ann", "").settled
    assert ask(server.url()).status == 200
