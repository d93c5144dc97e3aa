"""How long answers take: many of them, after a few that warm up, against those before a run and the usual ones of this hour."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay.kinds.http.settings import Latency
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure, Point
from mainstay.model.units import Duration

MEDIAN, SLOW = "answer_p50", "answer_p95"
BACK = timedelta(days=14)
_HOUR, _DAY = 3600.0, 86400.0
_FRESH = timedelta(hours=12)  # what is younger may be the doing of the run that is judged
_ENOUGH = 3  # days, before they say what is usual


@dataclass(frozen=True)
class Usual:
    """What it was on earlier days within an hour of this time of day: medians."""

    days: int
    median: Duration
    slow: Duration


@dataclass(frozen=True)
class Pace:
    """How long the answers took that came: the median and the 95th percentile; and how many did not come, or were bad."""

    rule: Latency
    asked: int
    failed: int
    median: Duration
    slow: Duration
    usual: Usual | None = None


def pace(rule: Latency, took: Sequence[float], failed: int, usual: Usual | None) -> Pace:
    """Sum up what was measured; percentiles interpolate between the nearest two."""
    if len(took) < 2:
        only = Duration(took[0] if took else 0)
        return Pace(rule, len(took) + failed, failed, only, only, usual)
    cuts = statistics.quantiles(took, n=20, method="inclusive")
    return Pace(rule, len(took) + failed, failed, Duration(cuts[9]), Duration(cuts[18]), usual)


def usual(medians: Iterable[Point], slow: Iterable[Point], now: datetime) -> Usual | None:
    """Return what is usual at this time of day; None where too few days were seen."""
    here = [[(at, value) for at, value in points if _same_hour(at, now)] for points in (medians, slow)]
    days = len({at.date() for at, _ in here[1]})
    if days < _ENOUGH or not here[0]:
        return None
    middle, high = (Duration(statistics.median(value for _, value in points)) for points in here)
    return Usual(days, middle, high)


def told(seen: Pace) -> str:
    """Say in a few words how long answers took."""
    return f"median {seen.median}, 95 % within {seen.slow} of {seen.asked}"


def figures(seen: Pace, at_most: Duration | None) -> Iterator[Figure]:
    """Return the two percentiles."""
    if seen.failed < seen.asked:
        yield Figure(MEDIAN, seen.median, "s")
        yield Figure(SLOW, seen.slow, "s", at_most=at_most)


def judged(on: str, seen: Pace) -> Iterator[Finding]:
    """Judge one measurement by itself: bad answers are critical, slower than usual is a remark."""
    if seen.failed:
        yield Finding(
            Level.CRITICAL, on, because("bad answers", f"{seen.failed} of {seen.asked}"), "look at the log of the service"
        )
    if seen.usual and seen.slow > (limit := seen.rule.limit(seen.usual.slow)):
        slow = because(SLOW, seen.slow, ">", limit, "latency.factor")
        yield Finding(Level.WARNING, on, slow, _usually(seen.usual, seen.usual.slow))


def worsened(on: str, before: Pace, after: Pace) -> Iterator[Finding]:
    """Compare with the measurement before a run, and with the usual one where that was kept before the run."""
    rule, was = after.rule, after.usual or before.usual
    pairs = [
        (MEDIAN, before.median, after.median, was.median if was else None),
        (SLOW, before.slow, after.slow, was.slow if was else None),
    ]
    for name, earlier, now, usually in pairs:
        if now > rule.limit(earlier):
            why = because(name, now, ">", rule.limit(earlier), "latency.factor")
            yield Finding(Level.CRITICAL, on, why, f"it was {earlier} before the run")
        elif usually is not None and was and earlier <= rule.limit(usually) < now:
            yield Finding(
                Level.CRITICAL, on, because(name, now, ">", rule.limit(usually), "latency.factor"), _usually(was, usually)
            )


def _usually(was: Usual, value: Duration) -> str:
    return f"at this hour it was {value} on the last {was.days} days that were seen"


def _same_hour(at: datetime, now: datetime) -> bool:
    apart = (now - at).total_seconds() % _DAY
    return now - BACK <= at <= now - _FRESH and min(apart, _DAY - apart) <= _HOUR
