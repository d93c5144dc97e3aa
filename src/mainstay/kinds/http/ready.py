"""Wait until a URL answers well several times in a row, and measure how long that takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from mainstay.kinds.http.ask import ask
from mainstay.kinds.http.facts import Facts
from mainstay.kinds.http.judgement import problems
from mainstay.kinds.http.settings import Patience
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.errors import Cancelled
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock

_SHORTEST, _GROWS = 0.2, 1.5
_NAP = 0.1  # between two looks at whether the run is cancelled


@dataclass(frozen=True)
class Readiness:
    """What the waiting has shown. `took` is the time until the first of the good answers in a row; `last` is the last answer."""

    at: datetime
    patience: Patience
    asked: int
    in_a_row: int
    took: Duration
    last: Facts


class Ready(TaskKind[Readiness, NoParams]):
    """Ask again and again, less often while it is bad; what is asked of an answer is what the target expects."""

    name = "ready"
    summary = "wait until it answers well several times in a row: status, body and time"
    task_class = TaskClass.CHECK
    facts = Readiness

    def observe(self, session: Session, on: On | None = None) -> Readiness:
        """Ask until it is healthy, or `ready.within` is over."""
        return _wait(session, session.target.settings.ready)

    def assess(self, facts: Readiness, params: NoParams) -> list[Finding]:
        """Healthy is as many good answers in a row as were asked for."""
        patience = facts.patience
        on = urlsplit(facts.last.url).path or "/"
        if facts.in_a_row >= patience.times:
            return [Finding(Level.OK, on, because("healthy", f"{facts.in_a_row} times in a row, after {facts.took}"))]
        last = [str(one.because) for one in problems(facts.last)]
        advice = f"the last of {facts.asked} answers within {patience.within}: {'; '.join(last) or 'good'}"
        return [
            Finding(
                Level.CRITICAL, on, because("good answers in a row", facts.in_a_row, "<", patience.times, "ready.times"), advice
            )
        ]

    def figures(self, facts: Readiness) -> Iterable[Figure]:
        """Return the time to healthy, where it became so."""
        if facts.in_a_row:
            yield Figure("time to healthy", facts.took, "s")


def _wait(session: Session, patience: Patience) -> Readiness:
    """Ask until it is healthy or the time is over."""
    deadline, pause, row, asked = clock.Deadline(patience.within), _SHORTEST, 0, 0
    healthy_at = Duration(0)
    while True:
        began, facts = Duration(deadline.allowed - deadline.left), ask(session.target.settings)
        asked += 1
        good = not problems(facts)
        healthy_at = began if good and not row else healthy_at
        row = row + 1 if good else 0
        if row >= patience.times or not deadline.left:
            return Readiness(clock.now(), patience, asked, row, healthy_at if row else deadline.allowed, facts)
        pause = _SHORTEST if good else min(patience.every, pause * _GROWS)
        _sleep(session, min(patience.every if good else pause, deadline.left))


def _sleep(session: Session, seconds: float) -> None:
    over = clock.Deadline(Duration(seconds))
    while over.left:
        if session.door.stop():
            raise Cancelled("stopped", on=session.target.name, because="the run was cancelled")
        clock.sleep(min(_NAP, over.left))
