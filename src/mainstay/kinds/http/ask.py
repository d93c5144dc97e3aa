"""Ask a URL once, and keep of the answer what is to be judged."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mainstay.kinds.http.facts import Answer, Facts, Failure, Value
from mainstay.kinds.http.latency import BACK, MEDIAN, SLOW, Pace, pace, usual
from mainstay.kinds.http.settings import Expect, Latency, Settings
from mainstay.kinds.kind import Session
from mainstay.model.because import Scalar
from mainstay.model.setting import SecretRef
from mainstay.model.units import Size
from mainstay.system import clock, http, secrets

_SHOWN = 200  # letters of a value that are kept


def ask(settings: Settings) -> Facts:
    """Send the request; what keeps an answer from coming is a fact too."""
    request = http.Request(
        settings.url,
        settings.method,
        {name: secrets.resolve(value) if isinstance(value, SecretRef) else value for name, value in settings.headers.items()},
        keep=settings.keep,
        redirects=settings.redirects,
        verify=settings.tls.verify,
        ca_file=settings.tls.ca_file,
    )
    answer, failure, certificate = None, None, None
    try:
        response = http.fetch(request, settings.timeout)
    except http.NoAnswer as error:
        failure = Failure(error.stage, error.because)
    else:
        answer, certificate = _answer(response, settings.expect), response.certificate
    expect = settings.expect
    return Facts(
        at=clock.now(),
        url=_public(settings.url),
        statuses=expect.statuses,
        within=expect.within,
        text=expect.body,
        tls=settings.tls,
        answer=answer,
        failure=failure,
        certificate=certificate,
    )


def measure(session: Session, settings: Settings, rule: Latency) -> Pace:
    """Warm up, then time one request after the other, and bring along what is usual at this hour."""
    until, failed = clock.Deadline(rule.within), 0
    took: list[float] = []
    for number in range(rule.warm_up + rule.samples):
        if session.door.stop() or (not until.left and (took or failed)):
            break
        if not until.left and number < rule.warm_up:
            continue  # one request is timed in any case
        facts = ask(settings)
        good = facts.answer and facts.answer.status in facts.statuses
        if number >= rule.warm_up:
            failed += not good
            took += [facts.answer.timings.total] if facts.answer and good else []
    known = session.history(clock.now() - BACK, (MEDIAN, SLOW))
    medians, slow = (known[name].points if name in known else [] for name in (MEDIAN, SLOW))
    return pace(rule, took, failed, usual(medians, slow, clock.now()))


def _answer(response: http.Response, expect: Expect) -> Answer:
    return Answer(
        url=_public(response.url),
        status=response.status,
        size=Size(len(response.body)),
        cut=response.cut,
        timings=response.timings,
        values=_values(response, expect.json),
        text_found=expect.body.encode() in response.body if expect.body else None,
    )


def _values(response: http.Response, expected: dict[str, Scalar]) -> tuple[Value, ...]:
    if not expected:
        return ()
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        problem = f"cut off after {Size(len(response.body))}" if response.cut else "not JSON"
        return tuple(Value(path, value, problem=problem) for path, value in expected.items())
    return tuple(_value(document, path, value) for path, value in expected.items())


def _value(document: Any, path: str, expected: Scalar) -> Value:
    """Walk a dotted path; a number picks from a list."""
    here = document
    for part in path.split("."):
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return Value(path, expected, problem=f"missing at {part!r}")
    if isinstance(here, dict | list):
        return Value(path, expected, problem=f"a {'map' if isinstance(here, dict) else 'list'}")
    return Value(path, expected, found=here[:_SHOWN] if isinstance(here, str) else here)


def _public(url: str) -> str:
    """Leave out the query: it may hold a token."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
