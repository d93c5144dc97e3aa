"""What is to come: windows."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json

app = call.command()


@app.command()
def windows(
    days: Annotated[int, typer.Option("--days", min=1, max=1100, help="How far ahead.")] = 90,
    ical: Annotated[bool, typer.Option("--ical", help="Print an iCalendar feed, for calendar programs.")] = False,
    as_json: Json = False,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write the feed there.", show_default=False)] = "",
) -> None:
    """Show when routines are due, whether they fit, and what stands in their way.

    Every slot of the days ahead, in the zone of the site: how long it is, how long the routine is expected to need (p90 of its
    history or twice its budgets, with rollback and buffer), which routine another one replaces that day, which slots overlap,
    and what a change of the clock does. Nothing is looked at or started.

    \b
    mainstay windows
    mainstay windows --days 7 --json
    mainstay windows --ical --output maintenance.ics
    """
    from mainstay.report import calendar
    from mainstay.schedule import occurrences

    site = call.opened_or_asked()
    now = call.now(site.site)
    needed = {name: site.needed(routine) for name, routine in site.site.routines.items()}
    found = [
        calendar.Appointment(one, needed[one.routine]) for one in occurrences.upcoming(site.site, now, now + timedelta(days=days))
    ]
    if ical or output:
        from mainstay.cli import reports

        text = calendar.ical(site.site, found, now)
        reports.save(output, text) if output else call.say(text.rstrip())
        return
    often = occurrences.often(site.site, now)
    if as_json:
        slots = [calendar.encoded(one) for one in found]
        call.show_json("windows/1", {"site": site.site.name, "at": now, "days": days, "slots": slots, "often": often})
    else:
        call.show(calendar.document(site.site, found, often, now, days))
