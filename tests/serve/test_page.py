"""The page: browsers of this machine read how a site stands, and can do nothing else, nor hold anything up."""

from __future__ import annotations

import html
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mainstay.serve import page
from mainstay.system import web
from tests.serve.served import Service, Site, until

BROWSER = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--timeout=30000"]


class Page:
    """The page of a service, asked as a client does that may be anything."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str = "/", method: str = "GET", host: str = "") -> tuple[int, str, dict[str, str]]:
        way = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        way.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        way.putheader("Host", host or f"127.0.0.1:{self.port}")
        way.endheaders()
        answer = way.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())

    def code(self, path: str = "/", method: str = "GET", host: str = "") -> int:
        return self.get(path, method, host)[0]

    def raw(self, sent: bytes) -> bytes:
        """Return the first line that comes back, whatever is sent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as way:
            way.sendall(sent)
            return way.recv(200).partition(b"\r\n")[0]


@contextmanager
def shown(site: Site) -> Iterator[tuple[Page, Service]]:
    """Serve a site with a page, and wait until it is written."""
    there = Page(_port())
    site.settings["serve"] = {"page": f"127.0.0.1:{there.port}", "retry": "1s"}
    with site.serving() as service:
        until(lambda: _answers(there), lambda: service.told)
        yield there, service


def test_the_page_tells_how_the_site_stands_and_leads_to_the_report_of_every_run(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    site.routine("night", "mark.run", window={"rule": "daily 02:00", "length": "2h"})
    site.write()
    site.call("run", "night", "--yes")
    with shown(site) as (there, _):
        _, text, _ = there.get()
        (run,) = site.runs()
        assert f'href="runs/{run["id"]}.html"' in text
        assert [there.code(f"/{name}.html") for name in ("day", "week", "month")] == [200, 200, 200]
        report = there.get(f"/runs/{run['id']}.html")[1]
        assert 'href="../"' in report
        assert "mark.run" in report
        seen = json.loads(there.get("/status.json")[1])
    assert (seen["schema"], seen["routines"][0]["run"]) == ("mainstay.status/1", run["id"])


def test_what_happens_is_on_the_page_soon(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    with shown(site) as (there, service):
        assert "EM-" not in there.get()[1]
        site.call("emergency", "open", "--severity", "S3", "--reason", "the till is <slow>")
        until(lambda: "the till is &lt;slow&gt;" in there.get()[1], lambda: service.told)


def test_there_is_nothing_to_do_but_to_read(site: Site) -> None:
    with shown(site) as (there, _):
        assert {method: there.code(method=method) for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE")} == dict.fromkeys(
            ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"), 405
        )
        code, nothing, headers = there.get(method="HEAD")
        assert (code, nothing) == (200, "")
        assert int(headers["Content-Length"]) > 1000


def test_only_the_paths_that_there_are_can_be_read(site: Site) -> None:
    (site.folder / "state").mkdir(mode=0o700)
    (site.folder / "secret.html").write_text("secret")
    ways = ("/../secret.html", "/runs/../../../secret.html", "/runs/..%2f..%2f..%2fsecret.html", "//etc/passwd", "/../journal.db")
    with shown(site) as (there, _):
        os.symlink(site.folder / "secret.html", site.folder / "state/page/runs/.hidden.html")
        for path in (*ways, "/runs/.hidden.html", "/runs/", "/index.html", "/?x", "http://127.0.0.1/", "/runs/nobody.html"):
            code, text, _ = there.get(path)
            assert (path, code, "secret" in text) == (path, 404, False)


def test_a_name_that_somebody_else_points_here_is_not_answered(site: Site) -> None:
    with shown(site) as (there, _):
        assert [there.code(host=name) for name in ("localhost:9", "127.0.0.1", "[::1]:8640")] == [200, 200, 200]
        for name in ("evil.example", "localhost.evil.example", f"evil.example:{there.port}", "127.0.0.1.evil.example"):
            code, text, _ = there.get(host=name)
            assert (code, "served" in text) == (421, False)
        assert there.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert there.raw(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_browser_is_told_to_do_nothing_with_it_but_show_it(site: Site) -> None:
    with shown(site) as (there, _):
        _, text, headers = there.get()
        refused = there.get("/nothing")[2]
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0])
    assert headers["Content-Security-Policy"] == f"{policy}; frame-ancestors 'none'"
    assert "default-src 'none'" in policy
    assert "script" not in policy
    for told in (headers, refused):
        assert told["X-Content-Type-Options"] == "nosniff"
        assert told["Cross-Origin-Resource-Policy"] == "same-origin"
        assert told["Cache-Control"] == "no-store"


def test_what_is_no_question_is_refused_whatever_it_is(site: Site) -> None:
    with shown(site) as (there, _):
        assert there.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000).startswith(b"HTTP/1.1 431")
        assert there.raw(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert there.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert there.raw(b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 400")
        assert there.code() == 200


def test_clients_that_are_slow_hold_up_nothing_and_are_hung_up_on(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    with shown(site) as (there, service), ExitStack() as held:
        slow = [held.enter_context(socket.create_connection(("127.0.0.1", there.port))) for _ in range(2 * web.AT_ONCE)]
        for way in slow[: web.AT_ONCE]:
            way.sendall(b"GET / HT")  # and no more
        assert "mark" in site.call("ask", "status")
        for way in slow:
            way.settimeout(30)
        ends = [_end(way) for way in slow]
        assert set(ends) <= {b"HTTP/1.1 408", b""}  # some found no place
        assert b"HTTP/1.1 408" in ends
        until(lambda: _answers(there), lambda: service.told)
        assert service.terminate() == 0
    assert "does not come back" not in service.told


def test_an_address_that_is_taken_is_told_and_nothing_is_begun(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        site.settings["serve"] = {"page": f"127.0.0.1:{port}"}
        site.write()
        told = site.call("serve", "--for", "1s", code=3)
    assert f"cannot listen for browsers (127.0.0.1 port {port}): Address already in use" in told
    assert site.events("serve.started") == []


@pytest.mark.parametrize(
    ("written", "because"),
    [
        ("0.0.0.0:8640", "can be reached from elsewhere"),
        ("192.0.2.1:8640", "can be reached from elsewhere"),
        ("[::]:8640", "can be reached from elsewhere"),
        ("localhost:8640", "is not an address and a port"),
        ("127.0.0.1", "is not an address and a port"),
        ("127.0.0.1:0", "is not a port"),
        ("127.0.0.1:http", "is not a port"),
        ("::1:8640", "write '::1:8640' as '[::1]:8640'"),
    ],
)
def test_an_address_that_others_can_reach_is_a_mistake_with_its_line(site: Site, written: str, because: str) -> None:
    site.settings["serve"] = {"page": written}
    site.write()
    told = site.call("check-config", code=2)
    line = next(number for number, text in enumerate(site.file.read_text().splitlines(), 1) if '"serve"' in text)
    assert f"mainstay.yaml:{line}: serve: page: " in told
    assert because in told


def test_another_address_takes_a_restart_and_the_old_page_stays(site: Site) -> None:
    with shown(site) as (there, service):
        site.settings["serve"]["page"] = f"127.0.0.1:{_port()}"
        site.write()
        service.hangup()
        until(lambda: "address of the page has changed" in service.told, lambda: service.told)
        assert there.code() == 200


def test_a_page_that_is_too_old_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("all is well")
    assert page.find(tmp_path, "/").content == b"all is well"
    old = (tmp_path / "index.html").stat().st_mtime - page.OLD.total_seconds() - 1
    os.utime(tmp_path / "index.html", (old, old))
    answer = page.find(tmp_path, "/")
    assert (answer.status, b"all is well" in answer.content) == (503, False)


def test_pages_of_somebody_else_are_left_alone(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    site.write()
    place = site.folder / "www"
    (place / "runs").mkdir(parents=True)
    (place / "runs" / "marathon.html").write_text("a run of another sort")
    (place / "runs" / "20200101T000000-night-abcd.html").write_text("a run that is no longer listed")
    site.call("page", "--output", str(place))
    assert [one.name for one in (place / "runs").iterdir()] == ["marathon.html"]
    (place / "index.html").write_text("welcome")
    assert "another page lies there" in site.call("page", "--output", str(place), code=3)
    assert (place / "index.html").read_text() == "welcome"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="needs chromium")
def test_a_browser_shows_it_as_it_is_meant_and_asks_for_nothing_else(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    site.routine("night", "mark.run", window={"rule": "daily 02:00", "length": "2h"})
    site.write()
    site.call("run", "night", "--yes")
    with shown(site) as (there, _), tempfile.TemporaryDirectory() as profile:
        log = Path(profile, "net.json")
        shot, url = Path(profile, "page.png"), f"http://127.0.0.1:{there.port}/"
        told = [*BROWSER, f"--user-data-dir={profile}/user", "--enable-logging=stderr", f"--log-net-log={log}"]
        seen = subprocess.run([*told, f"--screenshot={shot}", url], capture_output=True, text=True, timeout=180, check=True)
        asked = set(re.findall(rf'"(http://127\.0\.0\.1:{there.port}/[^"]*)"', log.read_text()))
        assert {url} <= asked <= {url, f"{url}favicon.ico"}
        assert "Content Security Policy" not in seen.stderr, seen.stderr  # its own style is not refused
        assert shot.stat().st_size > 20_000


def _end(way: socket.socket) -> bytes:
    try:
        return way.recv(12)
    except ConnectionResetError:
        return b""


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def _answers(there: Page) -> bool:
    try:
        return there.code() == 200
    except OSError:
        return False  # every place is taken
