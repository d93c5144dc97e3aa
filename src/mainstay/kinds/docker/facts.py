"""What an engine tells of containers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.docker.settings import Settings


@dataclass(frozen=True)
class Container:
    """One container. `health` is "" where its image has no health check; `policy` is its restart policy."""

    id: str
    name: str
    service: str
    state: str  # created | running | paused | restarting | removing | exited | dead
    health: str  # "" | starting | healthy | unhealthy
    restarts: int
    killed_for_memory: bool
    exit_code: int
    policy: str
    error: str = ""

    @property
    def up(self) -> bool:
        """Whether it is at work, or about to be again."""
        return self.state in ("running", "restarting")

    @property
    def well(self) -> bool:
        """Whether it runs, and is healthy where it says so."""
        return self.state == "running" and self.health in ("", "healthy")

    @property
    def done(self) -> bool:
        """Whether it was started once, has done its work, and is not meant to be started again."""
        return self.state == "exited" and self.exit_code == 0 and self.policy in ("", "no")


@dataclass(frozen=True)
class Facts:
    """The containers as they are, and how often each was restarted when it was looked at before, by id.

    `held` names those that an open run has stopped, and starts again.
    """

    at: datetime
    settings: Settings
    containers: tuple[Container, ...]
    before: dict[str, int]
    held: tuple[str, ...] = ()

    @property
    def restarted(self) -> dict[str, int]:
        """Return how often each was restarted since the previous look; one that was not there then counts from its start."""
        return {one.id: one.restarts - min(self.before.get(one.id, 0), one.restarts) for one in self.containers}

    def named(self, names: Collection[str]) -> list[Container]:
        """Return the containers of these names, as far as they are there."""
        return [one for one in self.containers if one.name in names]

    def not_well(self, names: Collection[str]) -> list[str]:
        """Say which of these do not run, or are not healthy."""
        found = {one.name: one for one in self.named(names)}
        gone = [f"{name} is gone" for name in names if name not in found]
        return gone + [f"{one.name} is {one.state}, {one.health or 'no health'}" for one in found.values() if not one.well]
