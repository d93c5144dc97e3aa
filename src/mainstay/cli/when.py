"""Moments and stretches of time as people write them on a command line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from mainstay.model.units import Duration
from mainstay.schedule import rules
from mainstay.system import clock

if TYPE_CHECKING:
    from mainstay.model.task import Site

IMPACTS = ("none", "load", "blocks_writes", "downtime")


def _impact(value: str) -> str:
    if value not in IMPACTS:
        raise typer.BadParameter(f"known: {', '.join(IMPACTS)}")
    return value


_MOMENT = '"2026-11-02 02:00", in the zone of the site, or with one of its own: "2026-11-02 02:00 UTC"'
From = Annotated[
    str, typer.Option("--from", metavar="WHEN", help=f"When it begins; default: now. {_MOMENT}.", show_default=False)
]
Until = Annotated[str, typer.Option("--until", metavar="WHEN", help="When it ends.", show_default=False)]
At = Annotated[str, typer.Option("--at", metavar="WHEN", help=f"When it begins: {_MOMENT}.")]
For = Annotated[str, typer.Option("--for", metavar="LENGTH", help="How long it lasts, such as 24h.", show_default=False)]
MaxImpact = Annotated[
    str,
    typer.Option("--max-impact", callback=_impact, metavar="LEVEL", help=f"The highest impact allowed: {', '.join(IMPACTS)}."),
]


def moment(text: str, site: Site) -> datetime:
    """Read a moment, in UTC; without a zone of its own it is local to the site."""
    written, _, last = text.strip().rpartition(" ")
    named = last if written and last[:1].isalpha() else ""
    try:
        found = datetime.fromisoformat(written if named else text.strip())
        if found.tzinfo and not named:
            return found.astimezone(UTC)
        return rules.instant(found.replace(tzinfo=None), ZoneInfo(named or site.timezone))
    except (ValueError, ZoneInfoNotFoundError) as error:
        raise typer.BadParameter(f"{text!r} is no moment: write {_MOMENT}") from error


def stretch(site: Site, start: str, until: str, length: str) -> tuple[datetime, datetime]:
    """Read a stretch of time that begins now or at `start`, and has either an end or a length."""
    begins = moment(start, site) if start else clock.now()
    if bool(until) == bool(length):
        raise typer.BadParameter("say when it ends: --until WHEN or --for LENGTH")
    return begins, moment(until, site) if until else begins + timedelta(seconds=duration(length))


def duration(text: str) -> Duration:
    """Read a length of time."""
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
