"""Test the alert path, and say what became of it."""

from __future__ import annotations

import typer

from mainstay.app import App
from mainstay.cli import call
from mainstay.config.mistakes import nearest
from mainstay.model.errors import ConfigError, Unreachable
from mainstay.model.units import Duration
from mainstay.notify import drill


def drilled(site: App, channel: str, within: Duration, by: str) -> None:
    """Test the alert path of one channel, or of all, and say what became of it; exits as `mainstay notify drill` says."""
    known = site.site.channels
    if channel and channel not in known:
        raise ConfigError(f"there is no channel {channel!r}", next=nearest(channel, known))
    if not known:
        raise ConfigError("there is no channel", next="add one to `notify:`, see docs/how-to/send-notices.md")
    missed = [one for one in drill.unheard(site.context) if channel in ("", one.channel)]
    found = drill.begin(site.context, [channel] if channel else list(known), by, within)
    for one in found:
        for delivery in one.deliveries:
            word = "taken" if delivery.state == "sent" else f"not taken ({delivery.state})"
            call.say(f"{delivery.lane}: {word}: {delivery.because or f'no answer within {within}'}")
        if one.drill.within:
            call.say(f"  whoever reads it confirms its code within {one.drill.within}: mainstay notify ack CODE")
    for old in missed:
        call.say(f"{old.channel}: nobody has confirmed the test of {old.at:%Y-%m-%d %H:%M} UTC")
    if not all(one.taken for one in found):
        lost = ", ".join(one.drill.channel for one in found if not one.taken)
        raise Unreachable("not every channel took the alert", on=lost, next="mainstay notify list")
    if missed:
        raise typer.Exit(1)
