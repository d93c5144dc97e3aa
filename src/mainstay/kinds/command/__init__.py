"""An existing script as a target: the way in from a folder of cron lines."""

from __future__ import annotations

from mainstay.kinds.command.check import Check
from mainstay.kinds.command.hold import Hold
from mainstay.kinds.command.probes import connect
from mainstay.kinds.command.run import Run
from mainstay.kinds.command.settings import Settings
from mainstay.kinds.kind import Kind

KIND = Kind(
    name="command",
    summary="A script or program of your own, with a deadline, checks around it, and a way back",
    settings=Settings,
    tasks=(Check(), Run(), Hold()),
    connect=connect,
)
