"""Everything that a service does beside runs."""

from __future__ import annotations

from mainstay.model.units import Duration
from mainstay.serve.asks import Asks
from mainstay.serve.checks import Checking
from mainstay.serve.common import Common
from mainstay.serve.loop import Loop
from mainstay.serve.page import Writing
from mainstay.serve.preparing import Preparing
from mainstay.serve.schedule import Schedule
from mainstay.serve.settle import Settling
from mainstay.serve.telling import Telling
from mainstay.system.web import Readers


def of(common: Common, asks: Asks, browsers: Readers | None = None) -> tuple[Loop, ...]:
    """Return the loops of a service: whatever else it is to do over and over is one more line here, and nowhere else."""
    second, minute = Duration(1), Duration(60)
    page = (
        (
            Loop("page", Writing(common).once, every=second, patience=minute),
            Loop("browsers", browsers.once, every=Duration(0), patience=minute),
        )
        if browsers
        else ()
    )
    return (
        Loop("schedule", Schedule(common).once, every=second, patience=minute),
        Loop("checks", Checking(common).once, every=second, patience=minute),
        Loop("settle", Settling(common).once, every=Duration(10), patience=minute),
        Loop("notices", Telling(common).once, every=second, patience=minute),
        Loop("preparing", Preparing(common).once, every=Duration(15), patience=minute),
        Loop("asks", asks.once, every=Duration(0), patience=minute),
        *page,
    )
