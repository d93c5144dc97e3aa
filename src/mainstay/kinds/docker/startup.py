"""Wait for services that start, stay with them for a while, and look into their logs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstay.kinds.docker.engine import fatal, look
from mainstay.kinds.docker.facts import Facts, Service
from mainstay.kinds.kind import Session
from mainstay.model.errors import Cancelled, Unreachable
from mainstay.model.units import Duration
from mainstay.system import clock

_NAP = 0.1  # between two looks at whether the run is cancelled


@dataclass(frozen=True)
class Up:
    """A service that is well, and how long that took."""

    service: str
    after: Duration


@dataclass(frozen=True)
class Startup:
    """What the waiting has shown.

    up        the services that became well, in the order in which they were waited for
    waits_for the service that was waited for when the time was over, "" when all were well
    unsteady  containers that were restarted, replaced or fell ill while they were observed
    fatal     how many fatal lines the log of a container has since it was started
    """

    at: datetime
    seen: Facts
    up: tuple[Up, ...] = ()
    waits_for: str = ""
    unsteady: tuple[str, ...] = ()
    fatal: dict[str, int] = field(default_factory=dict)


def wait(session: Session) -> Startup:
    """Look until every service is well or the time is over, then for `ready.steady` longer, then at the logs."""
    started = _until_well(session)
    if not started.waits_for:
        started = _observed(session, started)
    counted = {one.name: fatal(session, one) for one in started.seen.containers if one.state == "running"}
    return replace(started, at=clock.now(), fatal={name: count for name, count in counted.items() if count})


def _until_well(session: Session) -> Startup:
    deadline, up = clock.Deadline(session.target.settings.ready.within), list[Up]()
    while True:
        over = not deadline.left
        try:
            seen = look(session, {})
        except Unreachable:  # the engine itself is starting, or a container is being replaced
            if over:
                raise
        else:
            waits_for = _advance(seen, up, Duration(deadline.allowed - deadline.left))
            if over or not waits_for:
                return Startup(clock.now(), seen, tuple(up), waits_for)
        _sleep(session, min(session.target.settings.ready.every, deadline.left))


def _advance(seen: Facts, up: list[Up], now: Duration) -> str:
    """Note which services have become well, in their order; return the first one that has not."""
    for service in seen.wanted or tuple(dict.fromkeys(Service(one.service) for one in seen.containers if not one.done)):
        if not seen.is_well(service):
            return service.name
        if service.name not in {one.service for one in up}:
            up.append(Up(service.name, now))
    return "" if seen.containers else seen.project


def _observed(session: Session, started: Startup) -> Startup:
    """Stay for a while: the same containers run on, none is restarted, and all stay well."""
    patience, first = session.target.settings.ready, started.seen
    until, seen = clock.Deadline(patience.steady), first
    while until.left:
        _sleep(session, min(patience.every, until.left))
        seen = look(session, {})
        stayed = {one.name: (one.id, one.restarts, one.well) for one in seen.containers}
        now = [one.name for one in first.containers if one.well and stayed.get(one.name) != (one.id, one.restarts, True)]
        if now:
            return replace(started, seen=seen, unsteady=tuple(now))
    return replace(started, seen=seen)


def _sleep(session: Session, seconds: float) -> None:
    over = clock.Deadline(Duration(seconds))
    while over.left:
        if session.door.stop():
            raise Cancelled("stopped", on=session.target.name, because="the run was cancelled")
        clock.sleep(min(_NAP, over.left))
