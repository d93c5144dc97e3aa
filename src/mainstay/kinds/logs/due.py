"""When a log is rotated, and when it must not be: pure decisions."""

from __future__ import annotations

from datetime import datetime

from mainstay.kinds.logs.facts import Facts, Live, Stream
from mainstay.model.because import Because, because
from mainstay.model.units import Duration

_EARLY = 0.9  # a run that starts a few seconds before yesterday's, or a day of 23 hours, still counts as a whole period


def not_yet(stream: Stream, facts: Facts) -> Because | None:
    """Say why a log is not due, or None when it is."""
    policy, live = facts.policy, stream.live
    if live is None:
        return because("live_file", "none")
    if stream.half:
        return None
    if live.size < policy.min_size:
        return because("size", live.size, "<", policy.min_size, "min_size")
    if live.size >= policy.size or stream.rotated is None:
        return None
    since = _since(stream.rotated, facts.at)
    if since < 0:
        return because("last rotation lies in the future", stream.rotated.isoformat())
    early = Duration(policy.every * _EARLY)
    return because("since_rotation", since, "<", early, "every") if since < early else None


def reason(stream: Stream, facts: Facts) -> Because:
    """Say why a log is due."""
    policy, live = facts.policy, stream.live
    if stream.half:
        return because("rotation begun and not finished", stream.half.path)
    if live and live.size >= policy.size:
        return because("size", live.size, ">=", policy.size, "size")
    if stream.rotated is None:
        return because("rotated_parts", 0, "==", 0)
    return because("since_rotation", _since(stream.rotated, facts.at), ">=", Duration(policy.every * _EARLY), "every")


def refusal(stream: Stream, facts: Facts) -> Because | None:
    """Say why a log may not be rotated, whatever its size and age, or None."""
    if stream.unsafe:
        return because("unsafe", stream.unsafe)
    if stream.rival:
        return because("rotated by another program too", stream.rival, param="rivals")
    if stream.live is None:
        return None
    return _no_cut(stream.live) if facts.policy.append_only else _no_reopen(stream.live, facts)


def _no_cut(live: Live) -> Because | None:
    """Cutting the head is safe only while every writer appends (open(2), O_APPEND): another would go on at its old offset."""
    if live.no_cut:
        return because("append_only", live.no_cut, param="append_only")
    careless = [str(writer) for writer in live.writers if not writer.append]
    if careless:
        return because("append_only", f"{careless[0]} writes without O_APPEND", param="append_only")
    return None if live.whole else because("whole_blocks", 0, "<", 1)


def _no_reopen(live: Live, facts: Facts) -> Because | None:
    if not live.writers:
        return None
    if facts.policy.reopen is None:
        return because("open for writing", f"{live.writers[0]}, and neither reopen nor append_only is set", param="reopen")
    if facts.reach and facts.reach.why_not:
        return because("reopen", facts.reach.why_not, param="reopen")
    return None


def _since(then: datetime, at: datetime) -> Duration:
    return Duration((at - then).total_seconds())
