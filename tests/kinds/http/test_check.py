"""Good and bad answers of real servers."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.kinds.http import KIND
from mainstay.kinds.http.discover import discover
from mainstay.kinds.http.facts import Facts
from mainstay.kinds.http.settings import Expect, Settings, Tls
from mainstay.kinds.kind import Session
from mainstay.model.because import Level
from mainstay.model.codec import canonical, decode, encode
from mainstay.model.errors import ConfigError
from mainstay.model.setting import SecretRef
from mainstay.model.target import Target
from mainstay.model.units import Duration, Size
from mainstay.system.process import Door
from tests.kinds.http.conftest import look, told
from tests.servers import Authority, Handler, Site, raw

_MARKER = "s3cr3t-marker-77"


@pytest.mark.covers("HLT-12")
def test_a_healthy_answer_is_one_line_and_ok(site: Site) -> None:
    url = site.page("/api/health", 200, b'{"status": "healthy", "checks": [{"name": "db", "up": true}]}')
    expect = Expect(json={"status": "healthy", "checks.0.up": True}, body="checks", within=Duration(5))
    check, facts = KIND.task("check"), look(Settings(url, expect))
    findings = check.assess(facts, check.params())
    assert [(one.level, one.on) for one in findings] == [(Level.OK, "/api/health")]
    assert str(findings[0].because).startswith("answer: 200 in ")


@pytest.mark.covers("HLT-12")
def test_a_200_whose_json_says_otherwise_is_critical(site: Site) -> None:
    url = site.page("/health", 200, b'{"status": "degraded", "checks": [{"up": 1}], "version": null}')
    expect = Expect(json={"status": "healthy", "checks.0.up": True, "checks.1.up": True, "version": "1.2", "checks": "x"})
    assert told(Settings(url, expect)) == [
        "CRITICAL json status degraded != expect.json healthy (default)",
        "CRITICAL json checks.0.up 1 != expect.json True (default)",
        "CRITICAL json checks.1.up missing at '1' != expect.json True (default)",
        "CRITICAL json version None != expect.json 1.2 (default)",
        "CRITICAL json checks a list != expect.json x (default)",
    ]


def test_a_page_that_is_not_json_is_said_to_be_none(site: Site) -> None:
    url = site.page("/health", 200, b"<html>fine</html>")
    assert told(Settings(url, Expect(json={"status": "up"}))) == ["CRITICAL json status not JSON != expect.json up (default)"]


def test_json_nested_without_end_is_not_read(site: Site) -> None:
    url = site.page("/health", 200, b"[" * 200_000)
    assert "not JSON" in told(Settings(url, Expect(json={"0": 1})))[0]


@pytest.mark.covers("HLT-12")
def test_a_wrong_status_and_a_missing_text_are_both_told(site: Site) -> None:
    url = site.page("/health", 503, b"down for maintenance")
    assert told(Settings(url, Expect(status=(200, 204), body="welcome"))) == [
        "CRITICAL status 503 != expect.status 200 or 204 (default)",
        "CRITICAL body without != expect.body 'welcome' (default)",
    ]


def test_a_status_that_is_expected_is_good_whatever_it_is(site: Site) -> None:
    assert told(Settings(site.page("/gone", 410, b""), Expect(status=410)))[0].startswith("OK")


def test_an_answer_that_comes_too_late_is_a_warning_with_its_stages(site: Site) -> None:
    check, facts = KIND.task("check"), look(Settings(site.page("/", 200, b"ok"), Expect(within=Duration(0))))
    (finding,) = check.assess(facts, check.params())
    assert (finding.level, finding.because.param) == (Level.WARNING, "expect.within")
    assert "first byte after" in finding.advice


def test_nobody_listens(free_port: int) -> None:
    assert told(Settings(f"http://localhost:{free_port}/")) == ["CRITICAL no answer (connect): connection refused"]


def test_a_name_that_does_not_exist() -> None:
    (line,) = told(Settings("http://no-such-host.invalid/", timeout=Duration(3)))
    assert line.startswith("CRITICAL no answer (name): the name no-such-host.invalid ")


def test_a_server_that_accepts_and_says_nothing() -> None:
    def listen(connection: socket.socket) -> None:
        while connection.recv(9999):
            pass

    with raw(listen) as url:
        assert told(Settings(url, timeout=Duration(0.3))) == ["CRITICAL no answer (answer): not complete within 300ms"]


def test_head_asks_for_headers_only(site: Site) -> None:
    assert told(Settings(site.page("/", 200, b"long body"), method="HEAD"))[0].endswith(", 0 B")
    assert site.asked[0][0] == "HEAD"


def test_head_cannot_be_expected_to_have_a_body() -> None:
    with pytest.raises(ValueError, match="HEAD has no body"):
        Settings("http://localhost/", Expect(body="x"), method="HEAD")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://localhost/", f"http://me:{_MARKER}@localhost/", "http:///x"])
def test_a_url_that_may_not_be_asked_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        Settings(url)
    assert _MARKER not in str(caught.value)


def test_a_secret_header_is_sent_and_appears_nowhere_else(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(_MARKER, encoding="ascii")
    secret.chmod(0o600)
    url = site.page("/", 200, f"you sent {_MARKER}".encode())
    settings = Settings(url + f"?key={_MARKER}", Expect(status=500), headers={"X-Key": SecretRef("file", str(secret))})
    check, facts = KIND.task("check"), look(settings)
    assert site.asked[0][2]["x-key"] == _MARKER
    assert _MARKER.encode() not in canonical(facts) + canonical(check.assess(facts, check.params()))


def test_a_secret_with_a_line_break_is_refused_without_being_shown(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{_MARKER}\nX-Evil: 1", encoding="ascii")
    secret.chmod(0o600)
    settings = Settings(site.base, headers={"X-Key": SecretRef("file", str(secret))})
    with pytest.raises(ConfigError) as caught:
        KIND.task("check").observe(Session(Target("api", "http", settings), Door()))
    assert _MARKER not in str(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)


def test_facts_come_back_from_json_unchanged(site: Site) -> None:
    facts = look(Settings(site.page("/", 200, b'{"a": 1}'), Expect(status=(200, 201), json={"a": 2}, within=Duration(1))))
    assert decode(Facts, encode(facts)) == facts


def test_only_what_is_kept_of_a_huge_body_is_read(site: Site) -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 65536)

    site.pages["/huge"] = endless
    facts = look(Settings(site.base + "/huge", Expect(body="never there"), keep=Size(100_000)))
    assert facts.answer
    assert (facts.answer.size, facts.answer.cut) == (100_000, True)
    assert told(Settings(site.base + "/huge", Expect(body="y"), keep=Size(1000)))[0].startswith("CRITICAL body in the first 1 kB")


def test_a_connection_that_is_reset_says_so() -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(9999)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with raw(reset) as url:
        assert told(Settings(url)) == ["CRITICAL no answer (answer): Connection reset by peer"]


@pytest.mark.parametrize(
    ("age", "left", "line"),
    [
        (75, 15, "WARNING lifetime_left 16.7 % < tls.left_warning 23 % (default)"),
        (76, 14, "CRITICAL lifetime_left 15.6 % < tls.left_critical 16.7 % (default)"),
        (60, 30, "OK answer: 200 in "),
    ],
)
def test_a_certificate_is_judged_by_the_share_of_its_life_that_is_left(
    authority: Authority, age: int, left: int, line: str
) -> None:
    with Site(authority.context(timedelta(days=age), timedelta(days=left, minutes=1))) as secure:
        settings = Settings(secure.page("/", 200, b"ok"), tls=Tls(ca_file=authority.file))
        assert told(settings)[0].startswith(line)


def test_an_expired_certificate_is_critical_and_so_is_an_unverified_one(authority: Authority) -> None:
    with Site(authority.context(timedelta(days=90), timedelta(days=-1))) as secure:
        url = secure.page("/", 200, b"ok")
        assert told(Settings(url, tls=Tls(ca_file=authority.file))) == [
            "CRITICAL no answer (tls): the certificate is not accepted: certificate has expired"
        ]
        assert told(Settings(url, tls=Tls(verify=False))) == ["CRITICAL lifetime_left 0 % < tls.left_critical 16.7 % (default)"]


def test_init_finds_a_service_that_answers_and_leaves_a_database_alone(site: Site) -> None:
    site.page("/api/health", 200, b"{}")
    asked: list[bytes] = []
    with raw(lambda connection: asked.append(connection.recv(9999))) as silent:
        found = {one.name: one.settings for one in discover()}
        fetch_port = int(silent.rstrip("/").rpartition(":")[2])
        assert f"http-{fetch_port}" not in found
    port = site.server.server_port
    assert found[f"http-{port}"] == {"url": f"http://localhost:{port}/api/health", "expect": {"status": 200}}
