"""Ask a URL and judge the answer: status, values of its JSON, text, time, and the certificate."""

from __future__ import annotations

from urllib.parse import urlsplit

from mainstay.kinds.http.ask import ask
from mainstay.kinds.http.facts import Answer, Facts, Value
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration

_SHORT_LIFE = 10 * 86400
_NEXT = {
    "name": "look at the name in the URL and at /etc/resolv.conf",
    "connect": "is the service started, and does it listen on this address?",
    "tls": "look at the certificate, its names and its chain; tls.ca_file names an authority of your own",
    "answer": "look at the log of the service; a larger timeout only helps a slow one",
    "body": "look at the log of the service: it began to answer and did not end",
    "redirect": "raise redirects, or ask for the final URL",
}


class Check(TaskKind[Facts, NoParams]):
    """Ask once; a server that is down is a finding, not an error."""

    name = "check"
    summary = "status, JSON values, text, response time and certificate of one URL"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Ask for at most the setting `timeout`."""
        return ask(session.target.settings)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge the answer, then the certificate; one line of what was seen when all is well."""
        on = urlsplit(facts.url).path or "/"
        if facts.failure:
            advice = _NEXT[facts.failure.stage]
            return [Finding(Level.CRITICAL, on, because(f"no answer ({facts.failure.stage})", facts.failure.reason), advice)]
        assert facts.answer
        return [*_answer(on, facts.answer, facts), *_certificate(facts)] or [_seen(on, facts.answer, facts)]


def _answer(on: str, answer: Answer, facts: Facts) -> list[Finding]:
    found = [_value(on, value) for value in answer.values if value.problem or not _same(value)]
    if answer.status not in facts.statuses:
        expected = " or ".join(map(str, facts.statuses))
        found.insert(0, Finding(Level.CRITICAL, on, because("status", str(answer.status), "!=", expected, "expect.status")))
    if answer.text_found is False:
        where = f" in the first {answer.size}" if answer.cut else ""
        found.append(Finding(Level.CRITICAL, on, because(f"body{where}", "without", "!=", repr(facts.text), "expect.body")))
    total = answer.timings.total
    if facts.within is not None and total > facts.within:
        late = because("answer_time", total, ">", facts.within, "expect.within")
        found.append(Finding(Level.WARNING, on, late, _stages(answer)))
    return found


def _value(on: str, value: Value) -> Finding:
    if value.problem:
        return Finding(Level.CRITICAL, on, because(f"json {value.path}", value.problem, "!=", value.expected, "expect.json"))
    return Finding(Level.CRITICAL, on, because(f"json {value.path}", value.found, "!=", value.expected, "expect.json"))


def _same(value: Value) -> bool:
    """Compare by JSON's types: true is not 1."""
    return value.found == value.expected and isinstance(value.found, bool) == isinstance(value.expected, bool)


def _certificate(facts: Facts) -> list[Finding]:
    left = facts.lifetime_left
    if not facts.certificate or left is None:
        return []
    lifetime = (facts.certificate.not_after - facts.certificate.not_before).total_seconds()
    warning = "left_warning_short" if lifetime < _SHORT_LIFE else "left_warning"
    ends = (facts.certificate.not_after - facts.at).total_seconds()
    advice = f"expired {Duration(-ends)} ago" if ends <= 0 else f"expires in {Duration(ends)}; renew it"
    for level, param in ((Level.CRITICAL, "left_critical"), (Level.WARNING, warning)):
        limit = getattr(facts.tls, param)
        if left < limit:
            return [Finding(level, "certificate", because("lifetime_left", left, "<", limit, f"tls.{param}"), advice)]
    return []


def _stages(answer: Answer) -> str:
    seen = answer.timings
    return f"connected after {seen.connected}, first byte after {seen.first_byte}, {answer.size} read"


def _seen(on: str, answer: Answer, facts: Facts) -> Finding:
    certificate = f", certificate has {facts.lifetime_left} of its life left" if facts.certificate else ""
    return Finding(Level.OK, on, because("answer", f"{answer.status} in {answer.timings.total}, {answer.size}{certificate}"))
