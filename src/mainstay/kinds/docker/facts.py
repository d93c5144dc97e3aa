"""What an engine tells of containers, and what is declared about them."""

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
    started: str = ""  # as the engine writes it

    @property
    def up(self) -> bool:
        """Whether it is at work, or about to be again."""
        return self.state in ("running", "restarting")

    @property
    def done(self) -> bool:
        """Whether it was started once, has done its work, and is not meant to be started again."""
        return self.state == "exited" and self.exit_code == 0 and self.policy in ("", "no")

    @property
    def well(self) -> bool:
        """Whether it runs, and its health check passes where it has one."""
        return self.state == "running" and self.health in ("", "healthy")


@dataclass(frozen=True)
class Service:
    """A service that has to be there: `count` containers of it, after those that it `needs`. A job does its work and ends."""

    name: str
    count: int = 1
    needs: tuple[str, ...] = ()
    job: bool = False


@dataclass(frozen=True)
class Facts:
    """The containers as they are, and how often each was restarted when it was looked at before, by id.

    `declared` are the services that must be there, in the order in which they depend on one another; `closed` says that there
    must be no others, because Compose files declare all of them. `held` names
    those that an open run has stopped, and starts again.
    """

    at: datetime
    settings: Settings
    containers: tuple[Container, ...]
    before: dict[str, int]
    project: str = ""
    declared: tuple[Service, ...] = ()
    closed: bool = False
    held: tuple[str, ...] = ()

    @property
    def restarted(self) -> dict[str, int]:
        """Return how often each was restarted since the previous look; one that was not there then counts from its start."""
        return {one.id: one.restarts - min(self.before.get(one.id, 0), one.restarts) for one in self.containers}

    def rests(self, one: Container) -> bool:
        """Whether a container does not run because an open run has stopped it."""
        return one.name in self.held and not one.up

    def named(self, names: Collection[str]) -> list[Container]:
        """Return the containers of these names, as far as they are there."""
        return [one for one in self.containers if one.name in names]

    def not_well(self, names: Collection[str]) -> list[str]:
        """Say which of these do not run, or are not healthy."""
        found = {one.name: one for one in self.named(names)}
        gone = [f"{name} is gone" for name in names if name not in found]
        return gone + [f"{one.name} is {one.state}, {one.health or 'no health'}" for one in found.values() if not one.well]

    @property
    def wanted(self) -> tuple[Service, ...]:
        """Return the services that must be there: those of the files, or those that were named."""
        return self.declared or tuple(Service(name, job=name in self.settings.jobs) for name in self.settings.services)

    def of(self, service: str) -> tuple[Container, ...]:
        """Return the containers of a service."""
        return tuple(one for one in self.containers if one.service == service)

    def is_well(self, service: Service) -> bool:
        """Return whether as many containers of a service are healthy as are declared; of a job, whether it has done its work."""
        if service.job:
            return any(one.state == "exited" and one.exit_code == 0 for one in self.of(service.name))
        return sum(one.well for one in self.of(service.name)) >= service.count
