"""The door to HTTP: one deadline for all, bounded bodies, guarded redirects, certificates."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.model.units import Duration, Size
from mainstay.system.http import NoAnswer, Request, Stage, fetch
from mainstay.system.secrets import Secret
from tests.servers import Authority, Handler, Site, raw

_FIVE = Duration(5)
_HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as one:
        yield one


@pytest.fixture
def other() -> Iterator[Site]:
    with Site() as one:
        yield one


def _sends(*parts: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(9999)
        for part in parts:
            connection.sendall(part)

    return serve


def _fails(request: Request, within: Duration = _FIVE) -> tuple[Stage, str]:
    with pytest.raises(NoAnswer) as caught:
        fetch(request, within)
    return caught.value.stage, caught.value.because


def test_a_server_that_drips_a_byte_at_a_time_meets_the_one_deadline() -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(9999)
        connection.sendall(_HEAD + b"Content-Length: 1000\r\n\r\n")
        while not over.wait(0.05):
            connection.sendall(b"x")

    with raw(drip) as url:
        assert _fails(Request(url), Duration(0.4)) == ("body", "not complete within 400ms")
        over.set()


def test_headers_that_drip_meet_it_too() -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(9999)
        connection.sendall(_HEAD)
        while not over.wait(0.05):
            connection.sendall(b"X-More: 1\r\n")

    with raw(drip) as url:
        stage, because = _fails(Request(url), Duration(0.4))
        over.set()
    assert (stage, because) == ("answer", "not complete within 400ms")


def test_a_chunked_body_is_put_together() -> None:
    with raw(_sends(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", b"6\r\n world\r\n0\r\n\r\n")) as url:
        response = fetch(Request(url), _FIVE)
    assert (response.body, response.cut) == (b"hello world", False)
    assert 0 < response.timings.connected <= response.timings.first_byte <= response.timings.total


@pytest.mark.parametrize(
    ("sent", "stage", "because"),
    [
        (
            _HEAD + b"Content-Length: 10\r\n\r\nhalf",
            "body",
            "the connection ended in the middle of the body, 6 bytes are missing",
        ),
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "body", "the connection ended in the middle of the body"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "answer", "the answer is not HTTP"),
        (b"", "answer", "the connection was closed without an answer"),
        (_HEAD + b"X: " + b"y" * 70_000 + b"\r\n\r\n", "answer", "the answer is not acceptable HTTP (LineTooLong)"),
        (_HEAD + b"X: y\r\n" * 200 + b"\r\n", "answer", "the answer is not acceptable HTTP (HTTPException)"),
    ],
)
def test_half_an_answer_is_no_answer(sent: bytes, stage: str, because: str) -> None:
    with raw(_sends(sent)) as url:
        seen = _fails(Request(url))
    assert seen[0] == stage
    assert seen[1].startswith(because)


def test_a_redirect_is_returned_unless_it_is_to_be_followed(site: Site) -> None:
    url = site.page("/old", 302, b"", Location="/new")
    site.page("/new", 200, b"here")
    assert fetch(Request(url), _FIVE).status == 302
    response = fetch(Request(url, redirects=1), _FIVE)
    assert (response.status, response.body, response.url) == (200, b"here", site.base + "/new")


def test_a_redirect_loop_ends(site: Site) -> None:
    url = site.page("/loop", 302, b"", Location="/loop")
    assert _fails(Request(url, redirects=3)) == ("redirect", "redirected again after 3 redirects")
    assert len(site.asked) == 4


def test_a_redirect_to_another_host_takes_no_secret_along(site: Site, other: Site) -> None:
    url = site.page("/old", 302, b"", Location=other.page("/new", 200, b"here"))
    headers: dict[str, str | Secret] = {"X-Key": Secret("marker"), "Authorization": "Basic abc", "X-Plain": "stays"}
    fetch(Request(url, headers=headers, redirects=2), _FIVE)
    assert site.asked[0][2]["x-key"] == "marker"
    seen = other.asked[0][2]
    assert (seen.get("x-key"), seen.get("authorization"), seen["x-plain"]) == (None, None, "stays")


def test_a_redirect_on_the_same_host_keeps_the_secret(site: Site) -> None:
    url = site.page("/old", 302, b"", Location="/new")
    site.page("/new", 200, b"here")
    fetch(Request(url, headers={"X-Key": Secret("marker")}, redirects=1), _FIVE)
    assert site.asked[1][2]["x-key"] == "marker"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://localhost/", "http://me:pw@localhost/"])
def test_a_redirect_to_anything_but_plain_http_is_refused(site: Site, target: str) -> None:
    stage, because = _fails(Request(site.page("/old", 302, b"", Location=target), redirects=5))
    assert stage == "redirect"
    assert because.startswith("the redirect is refused: ")
    assert "pw" not in because


def test_a_body_is_posted(site: Site) -> None:
    def echo(handler: Handler) -> None:
        handler.answer(200, handler.rfile.read(int(handler.headers["Content-Length"])))

    site.pages["/hook"] = echo
    assert fetch(Request(site.base + "/hook", "POST", body=b"{}"), _FIVE).body == b"{}"


def test_a_certificate_of_an_own_authority_is_read(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Site(authority.context(timedelta(days=30), timedelta(days=60))) as secure:
        response = fetch(Request(secure.page("/", 200, b"ok"), ca_file=authority.file), _FIVE)
    assert response.certificate
    assert response.certificate.issuer == "CN=test authority"
    assert (response.certificate.not_after - response.certificate.not_before).days == 90
    assert response.timings.connected <= response.timings.secured


def test_an_unknown_authority_an_expired_certificate_and_a_foreign_name_are_refused(tmp_path: Path) -> None:
    authority, seen = Authority(tmp_path), []
    for left, host, known in ((60, "localhost", False), (-1, "localhost", True), (60, "elsewhere.example", True)):
        with Site(authority.context(timedelta(days=30), timedelta(days=left), host)) as secure:
            seen.append(_fails(Request(secure.base, ca_file=authority.file if known else None))[1])
    assert seen[0].startswith("the certificate is not accepted: unable to get local issuer certificate")
    assert seen[1] == "the certificate is not accepted: certificate has expired"
    assert seen[2].startswith("the certificate is not accepted: Hostname mismatch")


def test_tls_spoken_to_a_plain_server_says_so(site: Site) -> None:
    stage, because = _fails(Request(site.base.replace("http:", "https:")))
    assert stage == "tls"
    assert because.startswith("no TLS: ")


def test_what_is_beyond_the_kept_bytes_is_cut(site: Site) -> None:
    response = fetch(Request(site.page("/", 200, b"x" * 1001), keep=Size(1000)), _FIVE)
    assert (len(response.body), response.cut) == (1000, True)
    assert not fetch(Request(site.base + "/", keep=Size(1001)), _FIVE).cut
