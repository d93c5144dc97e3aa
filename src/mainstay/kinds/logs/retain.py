"""Which rotated parts have had their time: a pure function of the parts, the policy and the time, with a reason for each part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.logs.facts import Facts, Part, Stream
from mainstay.kinds.logs.settings import Settings
from mainstay.model.because import Because, because
from mainstay.model.units import Duration, Size


@dataclass(frozen=True)
class Verdict:
    """Whether a part is kept or has had its time, and why."""

    part: Part
    keep: bool
    because: Because


def keep_or_drop(facts: Facts) -> list[Verdict]:
    """Judge every part, oldest first. Limits in this order: the legal minimum, age, number of each log, bytes of all together."""
    parts, policy = facts.parts, facts.policy
    newer = {part: index for stream in facts.streams for index, part in enumerate(reversed(stream.parts))}
    verdicts = {part: _by_itself(part, newer[part], policy, facts.at) for part in parts}
    if policy.total_cap:
        _cap([part for part in parts if verdicts[part].keep], verdicts, policy.total_cap, facts)
    return [verdicts[part] for part in parts]


def from_the_future(facts: Facts) -> Because | None:
    """Say that a part is younger than now: then the clock is wrong, and nothing may be dropped by age."""
    newest = max((part.stamp for part in facts.parts), default=facts.at)
    return because("newest part lies in the future", newest.isoformat()) if newest > facts.at else None


def age(stamp: datetime, at: datetime) -> Duration:
    """Return how long ago it was rotated."""
    return Duration((at - stamp).total_seconds())


def _by_itself(part: Part, newer: int, policy: Settings, at: datetime) -> Verdict:
    old = age(part.stamp, at)
    if old < policy.keep_at_least:
        return Verdict(part, True, because("age", old, "<", policy.keep_at_least, "keep_at_least"))
    if policy.max_age is not None and old > policy.max_age:
        return Verdict(part, False, because("age", old, ">", policy.max_age, "max_age"))
    if newer >= policy.keep:
        return Verdict(part, False, because("newer_parts", newer, ">=", policy.keep, "keep"))
    return Verdict(part, True, because("newer_parts", newer, "<", policy.keep, "keep"))


def _cap(kept: Sequence[Part], verdicts: dict[Part, Verdict], cap: Size, facts: Facts) -> None:
    """Drop the oldest until the rest is small enough; the legal minimum holds all the same."""
    total = Size(sum(part.size for part in kept))
    for part in kept:
        if total > cap and age(part.stamp, facts.at) >= facts.policy.keep_at_least:
            verdicts[part] = Verdict(part, False, because("all_parts", total, ">", cap, "total_cap"))
            total = Size(total - part.size)


def left_alone(stream: Stream, part: Part, facts: Facts) -> Because | None:
    """Say why a part may not be moved, replaced or removed now, or None."""
    if stream.unsafe:
        return because("unsafe", stream.unsafe)
    if part.writers:
        return because("open for writing", str(part.writers[0]))
    if part.links > 1:
        return because("links", part.links, ">", 1)
    return because("held", "an unsettled run may need it") if part.path in facts.held else None
