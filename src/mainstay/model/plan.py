"""What is going to be done: data that can be stored, printed, compared, timed and replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, Literal

from mainstay.model.because import Because
from mainstay.model.target import Privilege
from mainstay.model.units import Duration

Args = dict[str, Any]  # JSON values only
On = tuple[str, ...]  # a structured id, such as ("table", "public", "orders"); never text to be parsed


class Impact(IntEnum):
    """What the users of the maintained system notice, from nothing to an outage."""

    NONE = 0
    LOAD = 1
    BLOCKS_WRITES = 2
    DOWNTIME = 3


class OnUnknown(StrEnum):
    """What recovery does with a step that started and never ended."""

    PROBE = "probe"
    RERUN = "rerun"
    UNDO = "undo"
    ASK = "ask"


@dataclass(frozen=True)
class Undo:
    """The act that takes a step back: `always` is an obligation (a bracket), `on_failure` waits for a reason."""

    action: str
    args: Args = field(default_factory=dict)
    when: Literal["on_failure", "always"] = "on_failure"


@dataclass(frozen=True)
class Neutral:
    """Nothing to take back: the meaning of what is stored is unchanged (a vacuum, a backup)."""

    neutral: Literal[True] = True


@dataclass(frozen=True)
class OneWay:
    """It cannot be taken back, and this is why that is acceptable."""

    one_way: str


@dataclass(frozen=True)
class Cost:
    """What a step is expected to touch."""

    bytes: int = 0
    rows: int = 0
    files: int = 0


@dataclass(frozen=True)
class Step:
    """One act. `holds` names what its undo needs: no prune takes such a name until the run is settled.

    `proves` names the targets for which this step, once verified, is the proof that a copy can be restored; `copied` is when that
    copy was made, and an old one does not become young by being proven again. `missing` are the
    rows or files that users will not find afterwards, although they are kept. `rehearses` are a routine and the digest of what it
    asked for (`model.rehearsal.asked`) when this step rehearsed it.
    """

    id: str
    action: str
    on: On
    because: Because
    impact: Impact = Impact.NONE
    reverse: Undo | Neutral | OneWay = field(default_factory=Neutral)
    args: Args = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    deadline: Duration = Duration(600)
    cost: Cost = field(default_factory=Cost)
    on_unknown: OnUnknown = OnUnknown.PROBE
    holds: tuple[str, ...] = ()
    proves: tuple[str, ...] = ()
    copied: datetime | None = None
    missing: int = 0
    rehearses: tuple[str, ...] = ()
    privilege: Privilege = "user"  # that of its target

    @property
    def is_bracket(self) -> bool:
        """True when the step must be taken back whatever happens."""
        return isinstance(self.reverse, Undo) and self.reverse.when == "always"

    @property
    def needs_consent(self) -> bool:
        """True when a person must have agreed to the kind and extent of this step."""
        return isinstance(self.reverse, OneWay) or self.impact >= Impact.BLOCKS_WRITES


@dataclass(frozen=True)
class Skip:
    """Something that was looked at and left alone, and why. `fails`: it had to be done and cannot be, so its task has failed."""

    on: On
    because: Because
    fails: bool = False


@dataclass(frozen=True)
class Plan:
    """What one task is going to do, made from one observation; a routine's plan is the list of its tasks' plans."""

    task: str
    made_at: datetime
    steps: tuple[Step, ...] = ()
    skips: tuple[Skip, ...] = ()
    facts_digest: str = ""

    @property
    def impact(self) -> Impact:
        """The highest impact of any step."""
        return max((step.impact for step in self.steps), default=Impact.NONE)

    @property
    def missed(self) -> str:
        """What had to be done and cannot be, by the reason; "" when there is nothing of that."""
        reasons: dict[str, list[str]] = {}
        for skip in (skip for skip in self.skips if skip.fails):
            reasons.setdefault(str(skip.because), []).append(shown(skip.on))
        return "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())


@dataclass(frozen=True)
class Envelope:
    """What a consent covers: actions on objects up to an impact. Ceilings are 0 where none was stated."""

    acts: tuple[str, ...]
    impact: Impact
    minutes: float = 0
    bytes: int = 0
    rows: int = 0


def shown(on: On) -> str:
    """Print a structured id for people."""
    return " ".join(on)
