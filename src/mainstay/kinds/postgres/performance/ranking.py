"""What is said about statements: those that are slow, became slower, or lead in time, variance, files or reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from mainstay.kinds.postgres.performance.counters import Spent
from mainstay.kinds.postgres.statement import quoted
from mainstay.model.because import Finding, Level, because
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Share, Size

if TYPE_CHECKING:
    from mainstay.kinds.postgres.performance.statements import StatementFacts

_ORDERS: dict[str, Callable[[Spent], float]] = {
    "total time": lambda one: one.total,
    "mean": lambda one: one.mean,
    "variance": lambda one: one.deviation,
    "temporary files": lambda one: one.temp,
    "reads": lambda one: one.read,
}
_PLACES = {1: "1st", 2: "2nd", 3: "3rd"}
_KEPT = 10  # of each order
_TITLE = 100  # characters of a statement in the title of a finding
_LACKS = {
    "library": (
        "shared_preload_libraries",
        "without pg_stat_statements",
        "only what was running within a second is known. Add pg_stat_statements to shared_preload_libraries, restart the server, "
        "then CREATE EXTENSION pg_stat_statements",
    ),
    "extension": (
        "pg_stat_statements",
        "in no database that is cared for",
        "only what was running within a second is known. CREATE EXTENSION pg_stat_statements; no restart is needed",
    ),
}


@dataclass(frozen=True)
class StatementParams:
    """What is slow, and how many statements are told."""

    slower_than: Annotated[Duration, Setting("mean of a statement, or age of one under way", ge=0, example="1s")] = Duration(1)
    regression: Annotated[float, Setting("how many times as long as in the period before", ge=1, example="1.5")] = 1.5
    min_calls: Annotated[int, Setting("calls in each of two periods, before they are compared", ge=1, example="20")] = 20
    top: Annotated[int, Setting("statements told by each order: time, mean, variance, files, reads", ge=1, le=20)] = 3


def leaders(periods: Sequence[Spent]) -> tuple[Spent, ...]:
    """Return the statements that lead in any order, and those that slowed down most; the most expensive first."""
    orders = [*_ORDERS.values(), _factor]
    kept = {one.key: one for order in orders for one in sorted(periods, key=order, reverse=True)[:_KEPT] if order(one) > 0}
    return tuple(sorted(kept.values(), key=lambda one: -one.total))


def hindrances(facts: StatementFacts) -> Iterator[Finding]:
    """Say what keeps statements from being known."""
    if facts.lacks:
        fact, value, advice = _LACKS[facts.lacks]
        yield Finding(Level.WARNING, "statements", because(fact, value), advice)
    if facts.evicted:
        advice = "raise pg_stat_statements.max (restart): the counters of rare statements are lost in between"
        yield Finding(Level.WARNING, "statements", because("evictions", facts.evicted, ">", 0), advice)
    if not (facts.server.superuser or facts.server.monitor):
        advice = f"other roles' statements are hidden: GRANT pg_monitor TO {quoted(facts.server.role)}"
        yield Finding(Level.WARNING, "statements", because("role", f"{facts.server.role} without pg_monitor"), advice)


def under_way(facts: StatementFacts, params: StatementParams) -> Iterator[Finding]:
    """Name the statements that have been running for long."""
    for one in facts.sample.longest if facts.sample else facts.running:
        if one.age > params.slower_than:
            who = f"process {one.pid}, {one.role} in {one.database} ({one.application or 'no application_name'}), {one.wait}"
            reason = because("running", one.age, ">", params.slower_than, "slower_than")
            yield Finding(Level.WARNING, _title(one.query), reason, who)


def slow(facts: StatementFacts, params: StatementParams) -> Iterator[Finding]:
    """Name the statements whose mean is too long."""
    for one in facts.spent:
        if one.mean > params.slower_than:
            reason = because("mean", one.mean, ">", params.slower_than, "slower_than")
            yield Finding(Level.WARNING, _title(one.query), reason, _told(one, facts))


def slower(facts: StatementFacts, params: StatementParams) -> Iterator[Finding]:
    """Name the statements that take longer than in the period before."""
    for one in facts.spent:
        if min(one.calls, one.calls_before) >= params.min_calls and _factor(one) > params.regression:
            reason = because("times_as_long", round(_factor(one), 2), ">", params.regression, "regression")
            was = f"mean {one.mean}, {one.before} in {one.calls_before:,} calls of the period before; "
            yield Finding(Level.WARNING, _title(one.query), reason, was + _told(one, facts))


def leading(facts: StatementFacts, params: StatementParams) -> Iterator[Finding]:
    """Tell each statement that leads, once, with the orders in which it does."""
    places: dict[str, list[str]] = {}
    for name, order in _ORDERS.items():
        for place, one in enumerate(_first(facts.spent, order, params.top), 1):
            places.setdefault(one.key, []).append(f"{_PLACES.get(place, f'{place}th')} by {name}")
    for one in facts.spent:
        if one.key in places:
            reason = because("share_of_time", Share(one.total / facts.total if facts.total else 0))
            yield Finding(Level.OK, _title(one.query), reason, f"{', '.join(places[one.key])}; {_told(one, facts)}")


def _first(periods: Iterable[Spent], order: Callable[[Spent], float], count: int) -> list[Spent]:
    return [one for one in sorted(periods, key=order, reverse=True)[:count] if order(one) > 0]


def _title(query: str) -> str:
    return query if len(query) <= _TITLE else query[: _TITLE - 1].rstrip() + "…"


def _factor(one: Spent) -> float:
    return one.mean / one.before if one.before else 0.0


def _told(one: Spent, facts: StatementFacts) -> str:
    """Tell what a statement took, and its plan where that is known."""
    parts = [
        f"{one.role} in {one.database}",
        f"{one.calls:,} {'call' if one.calls == 1 else 'calls'} took {Duration(one.total)}",
        f"mean {one.mean} ± {one.deviation}",
        f"{Size(one.temp)} of temporary files" if one.temp else "",
        f"{Size(one.read)} read" if one.read else "",
        f"{one.io} waiting for disks" if one.io else "",
        facts.plans.get(one.key, "").partition("\n")[0],
    ]
    return ", ".join(part for part in parts if part)
