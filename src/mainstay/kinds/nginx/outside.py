"""Ask nginx from outside, as a user would."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit, urlunsplit

from mainstay.kinds.kind import Session
from mainstay.kinds.nginx import include
from mainstay.kinds.nginx.facts import Seen
from mainstay.kinds.nginx.settings import Settings
from mainstay.model.units import Duration, Size
from mainstay.system import clock, http
from mainstay.system.clock import Deadline

_EACH = Duration(5)
_PAUSE = 0.05
_WRITING = re.compile(rb"Writing:\s*(\d+)")


def ask(settings: Settings, urls: tuple[str, ...]) -> tuple[Seen, ...]:
    """Ask each URL once, over a connection of its own."""
    return tuple(_ask(settings, url) for url in urls)


def until(session: Session, deadline: Deadline, wanted: Callable[[], str]) -> str:
    """Look until `wanted` has nothing more to say, for at most the setting `proof_within`; return what it says."""
    settings: Settings = session.target.settings
    last = Deadline(Duration(min(settings.proof_within, deadline.left)))
    while why := wanted():
        session.pulse(deadline)
        if not last.left:
            return why
        clock.sleep(_PAUSE)
    return ""


def loaded(settings: Settings, target: str) -> tuple[str, ...]:
    """Return which versions of the configuration the servers of the public URLs tell; one without the mode tells none."""
    asked = sorted({urljoin(url, f"/.{include.name(target)}.version") for url in settings.urls})
    return tuple(sorted({found for url in asked if (found := _version(settings, url))}))


def _version(settings: Settings, url: str) -> str:
    try:
        return http.fetch(_request(settings, url), _EACH).header(include.VERSION) or ""
    except http.NoAnswer:
        return ""


def drained(session: Session, deadline: Deadline) -> str:
    """Wait for the requests under way; say what is known about them."""
    settings: Settings = session.target.settings
    if not settings.stub_status:
        return "requests under way were not waited for: `stub_status` is not set"
    last = Deadline(Duration(min(settings.drain, deadline.left)))
    while (left := _under_way(settings)) and last.left:
        session.pulse(deadline)
        clock.sleep(_PAUSE)
    if left is None:
        return f"requests under way were not waited for: {settings.stub_status} does not tell"
    return f"{left} requests were still under way after {settings.drain}" if left else "no request was under way any more"


def _under_way(settings: Settings) -> int | None:
    """Return how many requests are being answered, the question itself not counted; None when nobody tells."""
    try:
        answer = http.fetch(_request(settings, settings.stub_status), _EACH)
    except http.NoAnswer:
        return None
    found = _WRITING.search(answer.body) if answer.status == 200 else None
    return max(0, int(found[1]) - 1) if found else None


def _ask(settings: Settings, url: str) -> Seen:
    try:
        answer = http.fetch(_request(settings, url), _EACH)
    except http.NoAnswer as error:
        return Seen(_public(url), problem=f"{error.stage}: {error.because}")
    return Seen(_public(url), answer.status, (answer.header("Retry-After") or "") if answer.status == 503 else "")


def _public(url: str) -> str:
    """Leave out the query: it may hold a token."""
    return urlunsplit((*urlsplit(url)[:3], "", ""))


def _request(settings: Settings, url: str) -> http.Request:
    return http.Request(url, keep=Size(4096), verify=settings.verify_tls, ca_file=settings.ca_file)
