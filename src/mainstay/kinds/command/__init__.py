"""An existing script as a target: the way in from a folder of cron lines."""

from __future__ import annotations

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


def store(target: Target, door: Door) -> Store | None:
    """Return how the target is backed up, None where no commands say how; restored copies lie in a folder of their own."""
    settings: Settings = target.settings
    return CommandStore(settings.backup.places / target.name, target.name, settings, door) if settings.backup else None


KIND = Kind(
    name="command",
    summary="A script or program of your own, with a deadline, checks around it, and a way back",
    settings=Settings,
    tasks=(Check(), Run(), Hold()),
    connect=connect,
    store=store,
)
