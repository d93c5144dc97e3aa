"""Which backups stay and which may go: pure, on catalogue entries, with a reason for each.

Calendar periods are UTC. Of several backups in one period a proven one represents it before one that is not, then one that
somebody approved, then the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from mainstay.model.because import Because, because
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size
from mainstay.vault.catalogue import Entry, newest
from mainstay.vault.names import BackupId

_FAR = 3 * 366  # days


@dataclass(frozen=True)
class Policy:
    """How many backups of each target stay."""

    last: Annotated[int, Setting("the newest so many backups stay", ge=1, example="3")] = 3
    daily: Annotated[int, Setting("one backup of each of so many days stays", ge=0, example="7")] = 7
    weekly: Annotated[int, Setting("one backup of each of so many ISO weeks stays", ge=0, example="8")] = 8
    monthly: Annotated[int, Setting("one backup of each of so many months stays", ge=0, example="12")] = 12
    yearly: Annotated[int, Setting("one backup of each of so many years stays", ge=0, example="2")] = 0
    min_age: Annotated[Duration, Setting("nothing younger than this is removed", ge=0, example="1d")] = Duration(86400)


@dataclass(frozen=True)
class Verdict:
    """What becomes of one backup, and why."""

    id: BackupId
    keep: bool
    because: Because


_PERIODS: dict[str, Callable[[datetime], str]] = {
    "daily": lambda at: f"{at:%Y-%m-%d}",
    "weekly": lambda at: f"{at:%G-W%V}",
    "monthly": lambda at: f"{at:%Y-%m}",
    "yearly": lambda at: f"{at:%Y}",
}
TIERS = tuple(_PERIODS)


def decide(entries: Iterable[Entry], policy: Policy, max_age: Duration, held: frozenset[str], now: datetime) -> list[Verdict]:
    """Judge the backups of one target, newest first. `held` are ids; limits are the settings `keep.*` and `max_age`."""
    ordered = sorted(entries, key=lambda entry: (entry.created, entry.id), reverse=True)
    if halt := _halt(ordered, max_age, now):
        return [Verdict(entry.id, True, halt) for entry in ordered]
    kept = _kept(ordered, policy, held, now)
    return [
        Verdict(entry.id, True, kept[entry.id]) if entry.id in kept else Verdict(entry.id, False, _unwanted(entry, policy, now))
        for entry in ordered
    ]


def _halt(ordered: list[Entry], max_age: Duration, now: datetime) -> Because | None:
    """Say why nothing at all may go now."""
    if not ordered:
        return None
    if ordered[0].created > now:
        return because(
            "the newest backup lies in the future: the clock went back, or it is wrong", f"{ordered[0].created:%Y-%m-%d %H:%M:%S}"
        )
    proven = newest(entry for entry in ordered if entry.proven)
    if proven is None:
        return because("no backup is proven, so nothing may go", None)
    age = Duration((now - proven.created).total_seconds())
    return because("age of the newest proven backup", age, ">", max_age, "max_age") if age > max_age else None


def _kept(ordered: list[Entry], policy: Policy, held: frozenset[str], now: datetime) -> dict[BackupId, Because]:
    """Collect every reason to keep; of several the first in this order is shown."""
    reasons: dict[BackupId, Because] = {}
    if proven := newest(entry for entry in ordered if entry.proven):
        reasons[proven.id] = because("the newest proven backup", None)
    for entry in ordered:
        if entry.hold and entry.hold.holds(now):
            reasons.setdefault(entry.id, because(str(entry.hold), None))
        if entry.id in held:
            reasons.setdefault(entry.id, because("held by a run that is not settled", None))
        if proven and entry.created > proven.created:
            reasons.setdefault(entry.id, because("newer than the newest proven backup", None))
    for rank, entry in enumerate(ordered[: policy.last], 1):
        reasons.setdefault(entry.id, because("place from the newest", rank, "<=", policy.last, "keep.last"))
    for rule, period in _PERIODS.items():
        for rank, entry in enumerate(_representatives(ordered, period)[: getattr(policy, rule)], 1):
            what = f"{rule} backup of {period(entry.created)}, place"
            reasons.setdefault(entry.id, because(what, rank, "<=", getattr(policy, rule), f"keep.{rule}"))
    for entry in ordered:
        age = Duration((now - entry.created).total_seconds())
        if age <= policy.min_age:
            reasons.setdefault(entry.id, because("age", age, "<=", policy.min_age, "keep.min_age"))
    return reasons


def _representatives(ordered: list[Entry], period: Callable[[datetime], str]) -> list[Entry]:
    """Pick one backup of each period, newest period first."""
    chosen: dict[str, Entry] = {}
    for entry in ordered:
        present = chosen.setdefault(period(entry.created), entry)
        if (bool(entry.proven), bool(entry.approvals)) > (bool(present.proven), bool(present.approvals)):
            chosen[period(entry.created)] = entry
    return list(chosen.values())


def of_months(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Return the backup that represents each month, newest month first."""
    ordered = sorted(entries, key=lambda entry: (entry.created, entry.id), reverse=True)
    return {_PERIODS["monthly"](entry.created): entry for entry in _representatives(ordered, _PERIODS["monthly"])}


def until(entries: Iterable[Entry], policy: Policy, id: BackupId, now: datetime) -> datetime | None:
    """Foresee when a backup goes if from now on one is made and proven at this hour of every day; None if later than `_FAR`."""
    kept, max_age = {entry.id: entry for entry in entries}, Duration(86_400)
    for day in range(1, _FAR + 1):
        at = now + timedelta(days=day)
        new = Entry(BackupId.of(at, "foreseen", f"day-{day}"), "", "", at, Duration(0), Size(0), Size(0), proven=at)
        verdicts = decide([*kept.values(), new], policy, max_age, frozenset(), at)
        kept = {one.id: {**kept, new.id: new}[one.id] for one in verdicts if one.keep}
        if id not in kept:
            return at
    return None


def _unwanted(entry: Entry, policy: Policy, now: datetime) -> Because:
    age = Duration((now - entry.created).total_seconds())
    return because("no rule of keep wants it, and its age", age, ">", policy.min_age, "keep.min_age")
