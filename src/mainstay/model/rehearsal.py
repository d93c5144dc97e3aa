"""What is tried on a copy before it is done to what is in use: tasks, their acts, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mainstay.model.codec import digest
from mainstay.model.plan import Args
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Piece:
    """A task of a routine as it would be rehearsed, or why it cannot be. `params` are JSON, as they are pinned in a plan."""

    task: str  # "db.vacuum"
    target: str
    kind: str
    name: str  # "vacuum"
    params: Args = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    why_not: str = ""


def asked(pieces: Iterable[Piece]) -> str:
    """Return the digest of what a routine asks for: another one once a task is added, or a parameter is changed."""
    return digest([(one.task, one.name, one.params) for one in pieces])


@dataclass(frozen=True)
class Act:
    """An act on a copy: that of a step, or the one that takes it back. `trouble` says why it was not done, or not proven."""

    step: str
    took: Duration
    undo: bool = False
    trouble: str = ""


@dataclass(frozen=True)
class Tried:
    """What became of one task on a copy.

    left_out  why it was not tried
    nothing   why there was nothing to do: that is no success
    trouble   why it could not be looked at, planned or tidied up there
    one_way   steps that nothing takes back
    """

    task: str
    acts: tuple[Act, ...] = ()
    left_out: str = ""
    nothing: str = ""
    trouble: str = ""
    one_way: tuple[str, ...] = ()

    @property
    def failure(self) -> str:
        """Say what failed, "" when nothing did."""
        failed = [f"{'undo of ' if one.undo else ''}{one.step}: {one.trouble}" for one in self.acts if one.trouble]
        return "; ".join((*failed, *filter(None, (self.trouble,))))

    @property
    def took(self) -> Duration:
        """Return how long the work took, without taking it back."""
        return Duration(sum(one.took for one in self.acts if not one.undo))

    def __str__(self) -> str:
        if self.left_out or self.nothing:
            return f"{self.task}: " + (f"not rehearsed: {self.left_out}" if self.left_out else f"nothing to do: {self.nothing}")
        done = [one for one in self.acts if not one.undo and not one.trouble]
        undone = [one for one in self.acts if one.undo and not one.trouble]
        back = f", {len(undone)} taken back in {Duration(sum(one.took for one in undone))}" if undone else ""
        told = f"{self.task}: {len(done)} of its steps done and proven in {self.took}{back}"
        return f"{told}; {self.failure}" if self.failure else told
