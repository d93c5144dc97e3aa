"""Ask a URL and judge the answer: status, values of its JSON, text, time, and the certificate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from mainstay.kinds.http import latency
from mainstay.kinds.http.ask import ask, measure
from mainstay.kinds.http.facts import Answer, Facts
from mainstay.kinds.http.judgement import answered, certified
from mainstay.kinds.http.latency import judged
from mainstay.kinds.http.settings import Settings
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass

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
        """Ask for at most the setting `timeout`, and again and again where `latency` wants more than one figure."""
        settings: Settings = session.target.settings
        facts = ask(settings)
        if settings.latency is None or facts.failure:
            return facts
        return replace(facts, pace=measure(session, settings, settings.latency))

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge the answer, then the certificate; one line of what was seen when all is well."""
        on = urlsplit(facts.url).path or "/"
        if facts.failure:
            advice = _NEXT[facts.failure.stage]
            return [Finding(Level.CRITICAL, on, because(f"no answer ({facts.failure.stage})", facts.failure.reason), advice)]
        assert facts.answer
        found = [*answered(on, facts), *(judged(on, facts.pace) if facts.pace else ()), *certified(facts)]
        return found or [_seen(on, facts.answer, facts)]

    def worsened(self, before: Facts, after: Facts, params: NoParams) -> list[Finding]:
        """Answers that take longer than before the run."""
        on = urlsplit(after.url).path or "/"
        return list(latency.worsened(on, before.pace, after.pace)) if before.pace and after.pace else []

    def figures(self, facts: Facts) -> Iterable[Figure]:
        """Return how long answers take, where more than one was timed."""
        return latency.figures(facts.pace, facts.within) if facts.pace else ()


def _seen(on: str, answer: Answer, facts: Facts) -> Finding:
    certificate = f", certificate has {facts.lifetime_left} of its life left" if facts.certificate else ""
    many = f"; {latency.told(facts.pace)}" if facts.pace else ""
    return Finding(
        Level.OK, on, because("answer", f"{answer.status} in {answer.timings.total}, {answer.size}{certificate}{many}")
    )
