"""Answer the items of a checklist from facts, findings, figures, runs and proofs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mainstay import config
from mainstay.engine import observe
from mainstay.engine.context import Context
from mainstay.engine.observe import Checked
from mainstay.kinds import registry
from mainstay.ledger import database, queries
from mainstay.model.because import Finding, Level, Scalar, Unit, because
from mainstay.model.checklist import Answer, Item
from mainstay.model.run import Status
from mainstay.model.units import Duration
from mainstay.report.compare import flat
from mainstay.report.document import plural
from mainstay.report.quantity import shown, unit_of
from mainstay.system import clock

_WELL = (Status.OK, Status.CHANGED)


@dataclass(frozen=True)
class Answered:
    """An answer, and what was seen. It is open where facts do not tell: then a person has to."""

    answer: Answer
    text: str


class Answers:
    """Answers items; what several of them ask is looked at once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._looks: dict[str, Checked] = {}

    def to(self, item: Item) -> Answered:
        """Answer an item."""
        if item.task:
            return self._looked(item)
        return self._done(item) if item.done else self._proven(item)

    def _looked(self, item: Item) -> Answered:
        if item.task not in self._looks:
            self._looks[item.task] = observe.check(self._context, config.task(self._context.site, registry, item.task))
        look = self._looks[item.task]
        if look.facts is None:
            return Answered(Answer.NOT_OK, look.record.because or f"{item.task} cannot be looked at")
        if item.fact:
            facts = flat(look.facts)
            return _limited(item, item.fact, facts.get(item.fact), unit_of(item.fact))
        if item.figure:
            found = {one.name: one for one in look.figures}.get(item.figure)
            return _limited(item, item.figure, found.value if found else None, found.unit if found else "")
        return _judged(item, look.record.findings)

    def _done(self, item: Item) -> Answered:
        newest = self._context.journal.ask(database.query("newest_end"), item.done)
        if not newest:
            return Answered(Answer.NOT_OK, f"{item.done} has never run")
        status, age = Status(newest[0].body["status"]), Duration((clock.now() - newest[0].at).total_seconds())
        if status not in _WELL:
            return Answered(Answer.NOT_OK, f"{item.done} is {status}: {newest[0].body['because']} ({newest[0].run})")
        return _young(item, f"{item.done} ended as {status} in {newest[0].run}, age", age)

    def _proven(self, item: Item) -> Answered:
        at = queries.proven(self._context.journal, item.proven)
        if at is None:
            return Answered(Answer.NOT_OK, f"no copy of {item.proven} was ever proven restorable")
        return _young(item, f"age of the newest proven copy of {item.proven}", Duration((clock.now() - at).total_seconds()))


def _young(item: Item, what: str, age: Duration) -> Answered:
    late = age > item.within
    return Answered(Answer.NOT_OK if late else Answer.OK, str(because(what, age, ">" if late else "<=", item.within)))


def _judged(item: Item, findings: Iterable[Finding]) -> Answered:
    """Judge by the findings that are about it; where only bad ones are about it, none is a good sign."""
    seen = list(findings)
    meant = [one for one in seen if item.about.casefold() in f"{one.on}: {one.because}".casefold()]
    worst = max(meant, key=lambda one: one.level, default=None)
    if worst is None:
        return Answered(Answer.OK, f"{item.task} speaks of {plural(len(seen), 'thing')}, none of them this")
    bad = worst.level >= Level[item.fails_at.upper()]
    return Answered(Answer.NOT_OK if bad else Answer.OK, f"{worst.on}: {worst.because}")


def _limited(item: Item, what: str, value: Scalar, unit: Unit) -> Answered:
    """Hold a value against the limits of the item; one that is not there is for a person to answer."""
    if value is None:
        return Answered(Answer.OPEN, f"{item.task} shows no {what}: a person has to answer")
    if item.equals is not None:
        same = shown(value, unit) == item.equals or str(value) == item.equals
        return Answered(Answer.OK if same else Answer.NOT_OK, f"{what} {shown(value, unit)}, wanted {item.equals}")
    if not isinstance(value, int | float):
        return Answered(Answer.OPEN, f"{what} is no number but {value!r}: a person has to answer")
    low = item.at_least is not None and value < item.at_least
    high = item.at_most is not None and value > item.at_most
    limits = (("at least", item.at_least), ("at most", item.at_most))
    told = " and ".join(f"{word} {shown(limit, unit)}" for word, limit in limits if limit is not None)
    return Answered(Answer.NOT_OK if low or high else Answer.OK, f"{what} {shown(value, unit)}, wanted {told}")
