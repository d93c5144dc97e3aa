"""What is wrong with the packages of a system, and the figures of its patch times."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from mainstay.kinds.packages.facts import Deployed, Facts, Waiting, plain
from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.units import Duration

SECURITY, OTHER, TIME = "security updates", "other updates", "patch time"
_NAMED = 6


def waits(facts: Facts) -> Iterator[Finding]:
    """Judge what waits: each sort once for each level, by what waits longest."""
    limits, waiting = facts.settings.limits, facts.waiting or ()
    secure = [one for one in waiting if one.security]
    overdue = [one for one in secure if facts.age(one.since) > limits.security_critical]
    due = [one for one in secure if limits.security_warning < facts.age(one.since) <= limits.security_critical]
    other = [one for one in waiting if not one.security and facts.age(one.since) > limits.other]
    yield from _waits(Level.CRITICAL, SECURITY, overdue, "security_critical", facts)
    yield from _waits(Level.WARNING, SECURITY, due, "security_warning", facts)
    yield from _waits(Level.WARNING, OTHER, other, "other", facts)


def late(facts: Facts) -> Iterator[Finding]:
    """Tell for a while which security patches were deployed late."""
    limits = facts.settings.limits
    found = [one for one in facts.late() if facts.age(one.at) <= limits.remind]
    if found:
        why = because("deployed after", found[0].took, ">", limits.security_critical, "limits.security_critical")
        yield Finding(Level.WARNING, TIME, why, listed(found))


def doubts(facts: Facts) -> Iterator[Finding]:
    """Tell what makes the answer doubtful, what is half done, and what is not in force before a reboot."""
    limits = facts.settings.limits
    if facts.problem:
        yield Finding(Level.UNKNOWN, "updates", because(f"it is not known what waits: {facts.problem}", None), "apt-get update")
    if facts.lists and facts.age(facts.lists) > limits.lists:
        old = because("lists of packages are of", facts.age(facts.lists), ">", limits.lists, "limits.lists")
        yield Finding(Level.WARNING, "updates", old, "apt-get update; until then nobody knows what else waits")
    if facts.logged is None:
        nothing = because("dpkg has no log: it is not known what was deployed", None)
        yield Finding(Level.WARNING, "dpkg.log", nothing, "`log /var/log/dpkg.log` belongs into /etc/dpkg/dpkg.cfg")
    for path in facts.unreadable:
        yield Finding(Level.WARNING, path, because("it is there and cannot be read", None), "what it holds is missing here")
    if facts.unfinished:
        half = because("installation not finished", listed(facts.unfinished))
        yield Finding(Level.WARNING, "dpkg", half, "dpkg --configure --pending")
    if facts.reboot:
        why = because("a reboot is required, since", facts.age(facts.reboot))
        yield Finding(Level.WARNING, "reboot", why, listed(facts.reboot_for))


def seen(facts: Facts) -> Iterator[Finding]:
    """Say in numbers what was deployed and what waits, and what is not known."""
    if facts.waiting is not None:
        yield Finding(Level.OK, "updates", because("waiting", _course(facts)))
    secure = sorted((one for one in facts.waiting or () if one.security), key=lambda one: one.since)
    if secure:
        yield Finding(Level.OK, "updates", because("security updates that wait", f"{len(secure):,}: {listed(secure)}"))
    if facts.logged or facts.deployed:
        yield from (_times(facts, security=security) for security in (True, False))
    if late := facts.late():
        yield Finding(Level.OK, TIME, because("security updates deployed late", f"{len(late):,}: {listed(late)}"))
    unknown = [one for one in facts.deployed if not one.published]
    if unknown:
        yield Finding(Level.OK, TIME, because("publication not known", f"{len(unknown):,}: {listed(unknown)}"))
    if facts.held:
        yield Finding(Level.OK, "updates", because("held back", f"{len(facts.held)}: {listed(facts.held)}"))
    if facts.bad_lines:
        yield Finding(Level.OK, "dpkg.log", because("lines that cannot be read", f"{facts.bad_lines}: {listed(facts.bad)}"))


def figures(facts: Facts) -> Iterator[Figure]:
    """Return what waits and how old the lists are; of the window, how many were deployed and how long they took."""
    limits = facts.settings.limits
    if facts.waiting is not None:
        secure = [one for one in facts.waiting if one.security]
        yield Figure("waiting", len(facts.waiting), "")
        yield Figure("waiting security", len(secure), "")
        oldest = max((facts.age(one.since) for one in secure), default=Duration(0))
        yield Figure("oldest waiting security", oldest, "s", at_most=limits.security_critical)
    if facts.lists:
        yield Figure("age of lists", facts.age(facts.lists), "s", at_most=limits.lists)
    for name, limit in (("security", limits.security_critical), ("other", None)):
        took = _took(facts.patched(security=name == "security"))
        yield Figure(f"{name} patches", sum(one.security is (name == "security") for one in facts.deployed), "")
        if took:
            yield Figure(f"{name} patch time, median", statistics.median(took), "s")
            yield Figure(f"{name} patch time, p95", quantile(took, 0.95), "s")
            yield Figure(f"{name} patch time, longest", took[-1], "s", at_most=limit)
    yield Figure("late security patches", len(facts.late()), "")
    yield Figure("publication not known", sum(not one.published for one in facts.deployed), "")


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def listed(things: Sequence[object]) -> str:
    """Name the first of many."""
    more = f" and {len(things) - _NAMED:,} more" if len(things) > _NAMED else ""
    return ", ".join(map(str, things[:_NAMED])) + more


def _waits(level: Level, on: str, found: list[Waiting], limit: str, facts: Facts) -> Iterator[Finding]:
    if not found:
        return
    ordered = sorted(found, key=lambda one: one.since)
    longest, at_most = facts.age(ordered[0].since), getattr(facts.settings.limits, limit)
    names = listed([f"{one}, for {facts.age(one.since)}" for one in ordered])
    yield Finding(level, on, because("waiting for", longest, ">", at_most, f"limits.{limit}"), f"{len(found):,}: {names}")


def _course(facts: Facts) -> str:
    waiting = facts.waiting or ()
    secure = [one for one in waiting if one.security]
    oldest = f", the oldest for {facts.age(min(one.since for one in secure))}" if secure else ""
    of = f", by lists of {facts.age(facts.lists)} ago" if facts.lists else ""
    return f"{len(waiting):,}, {len(secure):,} of them security{oldest}{of}"


def _times(facts: Facts, *, security: bool) -> Finding:
    """Tell the patch times of one sort in a line."""
    found, what = facts.patched(security=security), f"{SECURITY if security else OTHER} deployed"
    took, days = _took(found), _told_of(facts)
    if not took:
        return Finding(Level.OK, TIME, because(what, f"none in {days}"))
    slowest = max(found, key=lambda one: one.took or 0)
    times = f"median {Duration(statistics.median(took))}, longest {Duration(took[-1])} ({plain(slowest.name)} {slowest.new})"
    guessed = sum(one.known_by == "first seen" for one in found)
    since = f"; {guessed:,} of them counted from when they were first seen" if guessed else ""
    return Finding(Level.OK, TIME, because(what, f"{len(took):,} in {days}: {times}{since}"))


def _told_of(facts: Facts) -> str:
    """Say which time the log tells of, as far as that is in the window."""
    window, logged = facts.settings.window, facts.age(facts.logged) if facts.logged else Duration(0)
    return f"{window / 86400:.0f} days" if logged >= window else f"{logged}, for which there is a log"


def _took(found: Iterable[Deployed]) -> list[float]:
    return sorted(one.took for one in found if one.took is not None)
