"""A promise beside its figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """What was promised, and what was measured; what could not be measured is not kept."""

    name: str
    goal: str
    measured: str
    ok: bool
    not_run: bool = False

    def __str__(self) -> str:
        mark = "not run" if self.not_run else "ok" if self.ok else "short"
        return f"{mark:7} {self.name}: goal {self.goal}; measured {self.measured}"


def not_run(name: str, goal: str, reason: str) -> Goal:
    """Return a goal that could not be measured here."""
    return Goal(name, goal, reason, ok=False, not_run=True)
