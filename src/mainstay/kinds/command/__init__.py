"""An existing script as a target: the way in from a folder of cron lines."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.command.check import Check
from mainstay.kinds.command.hold import Hold
from mainstay.kinds.command.probes import connect
from mainstay.kinds.command.run import Run
from mainstay.kinds.command.settings import Settings
from mainstay.kinds.command.store import CommandStore
from mainstay.kinds.kind import Kind
from mainstay.model.target import Target
from mainstay.system.process import Door
from mainstay.vault.store import Store


def store(target: Target, door: Door) -> Store:
    """Return how the target is backed up; restored copies lie in a folder of their own, since what is live need not be a path."""
    settings: Settings = target.settings
    places = settings.backup.places if settings.backup else Path("/")
    return CommandStore(places / target.name, target.name, settings, door)


KIND = Kind(
    name="command",
    summary="A script or program of your own, with a deadline, checks around it, and a way back",
    settings=Settings,
    tasks=(Check(), Run(), Hold()),
    connect=connect,
    store=store,
)
