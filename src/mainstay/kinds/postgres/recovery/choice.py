"""Which base backup a recovery begins with, or why its target cannot be reached: pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from mainstay.kinds.postgres.recovery import rules, segments
from mainstay.kinds.postgres.recovery.base import Base
from mainstay.kinds.postgres.recovery.chain import Chain, before, below, follow
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts
from mainstay.model.because import Because, because
from mainstay.model.setting import Setting
from mainstay.model.units import Size


@dataclass(frozen=True)
class Target:
    """To where in time a recovery goes; at most one of them, none = to the end of the log."""

    to_time: Annotated[
        str, Setting("a moment with its zone; commits at that very moment are in", example="'2026-11-27 02:15:00+01'")
    ] = ""
    to_lsn: Annotated[str, Setting("a position in the log, which is replayed too", example="'0/3000148'")] = ""
    to_name: Annotated[str, Setting("a point that pg_create_restore_point() has named", example="before_release")] = ""
    base: Annotated[str, Setting("the base backup to begin with, or its beginning; default: the newest that fits")] = ""
    into: Annotated[Path | None, Setting("the new data directory; default: beside the archive", example="/srv/restored/db")] = (
        None
    )

    def __post_init__(self) -> None:
        """Refuse two targets, and one that cannot be read."""
        if len([one for one in (self.to_time, self.to_lsn, self.to_name) if one]) > 1:
            raise ValueError("`to_time`, `to_lsn` and `to_name` exclude one another")
        if self.to_time and datetime.fromisoformat(self.to_time).tzinfo is None:
            raise ValueError(f"{self.to_time!r} has no zone: write 2026-11-27 02:15:00+01")
        if self.to_lsn:
            segments.position(self.to_lsn)

    @property
    def moment(self) -> datetime | None:
        """Return the moment that is asked for."""
        return datetime.fromisoformat(self.to_time) if self.to_time else None

    @property
    def setting(self) -> tuple[str, str]:
        """Return which recovery_target_* this is, and its value; ("", "") for the end of the log."""
        known = {"time": self.to_time, "lsn": self.to_lsn, "name": self.to_name}
        return next(((name, value) for name, value in known.items() if value), ("", ""))


@dataclass(frozen=True)
class Choice:
    """A base backup, its log, and the bytes that a recovery from it will need."""

    base: Base
    chain: Chain
    needed: Size


def choose(facts: ArchiveFacts, target: Target) -> Choice | Because:
    """Choose the newest base backup from which the target can be reached, or say why there is none."""
    moment = target.moment
    if moment and (facts.until is None or moment > facts.until):
        return because(f"{rules.shown(moment)} is later than what is archived; recoverable", rules.recoverable(facts))
    base = _base(facts, target)
    if base is None:
        return because(f"no base backup was complete before {target.setting[1] or 'now'}; recoverable", rules.recoverable(facts))
    chain = follow(facts.wal, base)
    reach = rules.reach(facts, chain)
    if chain.missing and (moment is None or reach is None or moment > reach):
        return because(f"segment {chain.missing} is missing after base {base.id}; recoverable", rules.recoverable(facts))
    return Choice(base, chain, Size(base.raw + len(chain.places) * facts.wal.segment))


def _base(facts: ArchiveFacts, target: Target) -> Base | None:
    named = [one.base for one in facts.bases if one.base.id.startswith(target.base)]
    if target.moment:
        return before(named, target.moment)
    if target.to_lsn:
        return below(named, segments.position(target.to_lsn))
    return named[-1] if named else None
