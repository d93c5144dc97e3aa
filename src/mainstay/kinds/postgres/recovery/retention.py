"""Which base backups stay, and from which segment on the log stays: pure, with a reason for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay.kinds.postgres.recovery.base import Kept
from mainstay.kinds.postgres.settings import KeepBases
from mainstay.model.because import Because, because
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Verdict:
    """What becomes of one base backup, and why."""

    kept: Kept
    keep: bool
    because: Because


def decide(found: Sequence[Kept], policy: KeepBases, held: frozenset[str], now: datetime) -> list[Verdict]:
    """Judge base backups, the newest first. Limits are the settings `archive.keep.*`; `held` are ids."""
    ordered = sorted(found, key=lambda one: one.base.ended, reverse=True)
    if halt := _halt(ordered, now):
        return [Verdict(one, True, halt) for one in ordered]
    reasons = _reasons(ordered, policy, held, now)
    return [Verdict(one, one.base.id in reasons, reasons.get(one.base.id) or _unwanted(one, policy, now)) for one in ordered]


def oldest_needed(verdicts: Sequence[Verdict], size: int) -> int | None:
    """Return the number of the first segment that a kept base needs; None when no base is kept, and all log stays."""
    return min((one.kept.base.first(size) for one in verdicts if one.keep), default=None)


def _halt(ordered: Sequence[Kept], now: datetime) -> Because | None:
    """Say why nothing at all may go now."""
    if ordered and ordered[0].base.ended > now:
        return because("the newest base backup lies in the future: the clock went back, or it is wrong", None)
    if not any(one.proofs for one in ordered):
        return because("no base backup is proven, so nothing may go", None)
    return None


def _reasons(ordered: Sequence[Kept], policy: KeepBases, held: frozenset[str], now: datetime) -> dict[str, Because]:
    """Collect every reason to keep; of several the first in this order is shown."""
    proven = next(one for one in ordered if one.proofs)
    reasons: dict[str, Because] = {proven.base.id: because("the newest proven base backup", None)}
    for one in ordered:
        if one.base.id in held:
            reasons.setdefault(one.base.id, because("held by a run that is not settled", None))
    for rank, one in enumerate(ordered[: policy.bases], 1):
        reasons.setdefault(one.base.id, because("place from the newest", rank, "<=", policy.bases, "archive.keep.bases"))
    start = now - timedelta(seconds=policy.back)
    for one in ordered:
        age = Duration((now - one.base.ended).total_seconds())
        if one.base.ended > start:
            reasons.setdefault(one.base.id, because("age", age, "<", policy.back, "archive.keep.back"))
    if first := next((one for one in ordered if one.base.ended <= start), None):
        what = "a recovery to the beginning of what must be recoverable starts with it"
        reasons.setdefault(first.base.id, because(what, None))
    return reasons


def _unwanted(one: Kept, policy: KeepBases, now: datetime) -> Because:
    age = Duration((now - one.base.ended).total_seconds())
    return because("a newer one reaches back far enough, and its age", age, ">", policy.back, "archive.keep.back")
