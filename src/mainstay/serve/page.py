"""The page of a site: a child writes it into the state folder, a thread lets browsers of this machine read it, and nothing else.

What is read is files that lie there already. So no question costs more than reading one, a wrong one can reach nothing, and
neither a template nor a driver is ever loaded by the service.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

from mainstay.model.errors import StepFailed
from mainstay.model.service import address
from mainstay.model.task import Site
from mainstay.model.units import Duration, Size
from mainstay.report import html
from mainstay.serve.common import Common
from mainstay.serve.workers import Reader
from mainstay.system import clock, web
from mainstay.system.files import read_bounded
from mainstay.system.web import Answer, Readers

FOLDER = "page"
SOON, EVERY = Duration(5), Duration(60)  # after something was journaled, and in any case: ages are told
LONGEST = Duration(120)  # to write it
OLD = timedelta(minutes=10)  # from then on it is not shown: it would say that all is well long after
_MOST = Size(10_000_000)
_RUN = re.compile(r"/(runs/[A-Za-z0-9][A-Za-z0-9._-]{0,199}\.html)")
_PATHS = {"/": "index.html", "/day.html": "day.html", "/week.html": "week.html", "/month.html": "month.html"}
_JSON = {"/status.json": "status.json"}
_LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})  # also through a tunnel, whose port may be another one


class Writing:
    """Starts `mainstay page`: soon after something was journaled, and each minute."""

    def __init__(self, common: Common) -> None:
        self._common = common
        self._head = ""
        self._soon, self._waits = clock.Deadline(Duration(0)), clock.Deadline(Duration(0))
        shutil.rmtree(folder(common.app.site), ignore_errors=True)  # an earlier version may have written it
        self._since = clock.now()

    def once(self) -> None:
        """Start it when it is due, and complain when nothing comes of it."""
        common, place = self._common, folder(self._common.app.site)
        head = common.app.journal.head()
        if not self._soon.left and (head != self._head or not self._waits.left):
            words = common.words("page", "--output", str(place))
            with open(os.devnull, "wb") as nowhere:
                to = Reader(nowhere.fileno(), errors=False)
                if common.workers.start("page", words, within=LONGEST, to=to):
                    self._head, self._soon, self._waits = head, clock.Deadline(SOON), clock.Deadline(EVERY)
        if clock.now() - max(_written(place), self._since) > OLD:
            raise StepFailed("the page is not written", on=str(place), next=f"mainstay page --output {place}")


@contextmanager
def readers(site: Site) -> Iterator[Readers | None]:
    """Listen where the configuration says so; Refused where that cannot be."""
    if not site.serve.page:
        yield None
        return
    host, port = address(site.serve.page)
    names = _LOCAL | {f"[{host}]" if ":" in host else host}
    with web.listening(host, port) as way:
        yield Readers(way, names, lambda path: find(folder(site), path))


def folder(site: Site) -> Path:
    """Return where the page of a site is written."""
    return site.state / FOLDER


def find(place: Path, path: str) -> Answer:
    """Return what lies at a path of the page; a path that is none of those that there are is never joined to anything."""
    run = _RUN.fullmatch(path)
    name = _PATHS.get(path) or _JSON.get(path) or (run[1] if run else None)
    if name is None:
        return _said(HTTPStatus.NOT_FOUND, "there is no such page")
    if clock.now() - _written(place) > OLD:
        return _said(HTTPStatus.SERVICE_UNAVAILABLE, "the page is being written, or it is too old to be true: mainstay status")
    try:
        content = read_bounded(place / name, _MOST)
    except OSError:
        return _said(HTTPStatus.NOT_FOUND, "there is no such page")
    type = "application/json" if path in _JSON else "text/html; charset=utf-8"
    return Answer(HTTPStatus.OK, content, type, {"Content-Security-Policy": f"{html.policy()}; frame-ancestors 'none'"})


def _said(status: HTTPStatus, because: str) -> Answer:
    return Answer(status, f"{status.value} {status.phrase}: {because}\n".encode())


def _written(place: Path) -> datetime:
    try:
        return datetime.fromtimestamp((place / "index.html").stat().st_mtime, UTC)
    except FileNotFoundError:
        return datetime.fromtimestamp(0, UTC)
