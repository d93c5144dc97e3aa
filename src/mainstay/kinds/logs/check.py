"""Judge a set of logs: sizes, growth, permissions, parts that nobody cares for."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.kind import NoParams
from mainstay.kinds.logs import due
from mainstay.kinds.logs.facts import Facts, Live, Stream, growth
from mainstay.kinds.logs.retain import from_the_future
from mainstay.kinds.logs.task import LogTask
from mainstay.model.because import Finding, Level, because
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Size


class Check(LogTask):
    """Compare sizes and growth with their limits, and find what is in the way of rotation."""

    name = "check"
    summary = "sizes, growth, permissions and orphans of logs"
    task_class = TaskClass.CHECK

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge each log, then all of them together."""
        each = [finding for stream in facts.streams for finding in _stream(stream, facts)]
        return [*each, *_all(facts)]


def _stream(stream: Stream, facts: Facts) -> Iterator[Finding]:
    if stream.live:
        yield _size(stream.path, stream.live.size, facts)
        yield from _growth(stream, facts)
        yield from _permissions(stream.path, stream.live, readable_by_all=facts.policy.readable_by_all)
    if why := due.refusal(stream, facts):
        yield Finding(Level.WARNING, stream.path, why, "it is not rotated")
    if stream.foreign:
        advice = f"they are never removed here; look at {stream.foreign[0]}"
        yield Finding(Level.WARNING, stream.path, because("orphans_of_another_rotator", len(stream.foreign), ">", 0), advice)
    if stream.live is None and stream.parts:
        yield Finding(Level.OK, stream.path, because("parts_of_a_log_that_is_gone", len(stream.parts), ">", 0))


def _size(path: str, size: Size, facts: Facts) -> Finding:
    limit = facts.policy.max_file
    if size > limit:
        return Finding(Level.WARNING, path, because("size", size, ">", limit, "max_file"), "rotate it now, or more often")
    return Finding(Level.OK, path, because("size", size, "<=", limit, "max_file"))


def _growth(stream: Stream, facts: Facts) -> Iterator[Finding]:
    """Compare the growth of a day with its limit; warn when the log will pass `max_file` before it is rotated again."""
    grows, policy = growth(stream, facts.at), facts.policy
    if not grows or not stream.live:
        return
    if policy.max_growth is not None and grows > policy.max_growth:
        yield Finding(Level.WARNING, stream.path, because("growth_a_day", grows, ">", policy.max_growth, "max_growth"))
    left = Duration(max(0, policy.max_file - stream.live.size) / grows * 86400)
    if 0 < left < policy.every and policy.size > policy.max_file:
        yield Finding(
            Level.WARNING, stream.path, because("time until max_file", left, "<", policy.every, "every"), "rotate earlier"
        )


def _permissions(path: str, live: Live, *, readable_by_all: bool) -> Iterator[Finding]:
    if live.mode & 0o002:
        yield Finding(Level.CRITICAL, path, because("writable by everybody", f"{live.mode:04o}"), "chmod o-w")
    elif live.mode & 0o004 and not readable_by_all:
        advice = "chmod o-r and set mode, or set readable_by_all"
        yield Finding(Level.WARNING, path, because("readable by everybody", f"{live.mode:04o}", param="readable_by_all"), advice)


def _all(facts: Facts) -> Iterator[Finding]:
    total, limit = facts.total, facts.policy.max_total
    if total > limit:
        yield Finding(
            Level.WARNING, "all logs", because("total", total, ">", limit, "max_total"), "lower keep, max_age or total_cap"
        )
    else:
        yield Finding(Level.OK, "all logs", because("total", total, "<=", limit, "max_total"))
    if not facts.streams:
        yield Finding(Level.WARNING, "all logs", because("logs_found", 0, "<", 1), "look at the patterns")
    if why := from_the_future(facts):
        yield Finding(Level.WARNING, "all logs", why, "nothing is dropped until the clock is right")
    for part in facts.missing:
        yield Finding(Level.CRITICAL, part, because("archived part", "missing"), "it is listed in the archive and not there")
