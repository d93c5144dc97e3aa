"""What is to come: windows; and slots that people announce: window add, move, cancel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Name, Remark
from mainstay.cli.when import At, For, MaxImpact

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.schedule.agenda import Announced

app = call.command()
group = call.command("window", help="Slots that people announce: for work that no window fits.")
app.add_typer(group)

Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the slot, as `mainstay windows` shows it.")]


@app.command()
def windows(
    days: Annotated[int, typer.Option("--days", min=1, max=1100, help="How far ahead.")] = 90,
    ical: Annotated[bool, typer.Option("--ical", help="Print an iCalendar feed, for calendar programs.")] = False,
    as_json: Json = False,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write the feed there.", show_default=False)] = "",
) -> None:
    """Show when routines are due, whether they fit, and what stands in their way.

    Every slot of the days ahead, in the zone of the site: how long it is, how long the routine is expected to need (p90 of its
    history or twice its budgets, with rollback and buffer), which routine another one replaces that day, which blackout covers
    it or has put it off, which slots overlap, and what a change of the clock does. Nothing is looked at or started.

    \b
    mainstay windows
    mainstay windows --days 7 --json
    mainstay windows --ical --output maintenance.ics
    """
    from mainstay.report import calendar
    from mainstay.schedule import occurrences
    from mainstay.schedule.phases import laid_out

    if as_json and (ical or output):
        raise typer.BadParameter("--json and a feed exclude each other: leave out --json, or --ical and --output")
    site = call.opened_or_asked()
    now = call.now(site.site)
    needed = {name: site.needed(routine) for name, routine in site.site.routines.items()}
    known = site.agenda(now, now + timedelta(days=days))
    found = [
        calendar.Appointment(
            one, needed[one.routine], laid_out(site.site.routines[one.routine].phases, one.slot.start, known.zone)
        )
        for one in occurrences.upcoming(known, now, now + timedelta(days=days))
    ]
    if ical or output:
        from mainstay.cli import reports

        text = calendar.ical(site.site, found, now)
        reports.save(output, text) if output else call.say(text.rstrip())
        return
    often = occurrences.often(known, now)
    if as_json:
        slots = [calendar.encoded(one) for one in found]
        call.show_json("windows/1", {"site": site.site.name, "at": now, "days": days, "slots": slots, "often": often})
    else:
        page = calendar.document(site.site, found, often, now, days)
        call.show(replace(page, sections=(*calendar.under_way(site.unsettled(), now), *page.sections)))


@group.command()
def add(
    routine: Annotated[str, typer.Argument(metavar="ROUTINE", help="What is to be run.")],
    at: At,
    length: For,
    reason: Annotated[str, typer.Option("--reason", callback=call.in_words, metavar="TEXT", help="What people are told.")],
    impact: MaxImpact = "downtime",
    who: Name = "",
) -> None:
    """Announce a slot of a routine, for work that its window does not fit.

    It is refused in the past and where a blackout is in the way; what else is due meanwhile is told. `mainstay run ROUTINE
    --scheduled` starts in it as in any other slot, and so does `mainstay serve`.

    \b
    mainstay window add quarterly --at "2026-10-04 02:00" --for 8h --reason "PostgreSQL 18"
    """
    from mainstay.cli import when
    from mainstay.model.plan import Impact
    from mainstay.schedule.agenda import Announced

    site = call.opened()
    start = when.moment(at, site.site)
    end = start + timedelta(seconds=when.duration(length))
    id = f"{site.routine(routine).name}-{start:%Y%m%dT%H%M}"
    _announce(site, Announced(id, routine, start, end, Impact[impact.upper()], call.person(who), reason))


@group.command()
def move(id: Id, at: At, who: Name = "") -> None:
    """Move a slot that was announced, and keep its length.

    \b
    mainstay window move quarterly-20261004T0000 --at "2026-10-11 02:00"
    """
    from mainstay.cli import when

    site = call.opened()
    known, start = site.announcements.announced(id), when.moment(at, site.site)
    _announce(site, replace(known, start=start, end=start + (known.end - known.start), by=call.person(who)))


@group.command()
def cancel(id: Id, remark: Remark = "", who: Name = "") -> None:
    """Take back a slot that was announced and has not begun.

    \b
    mainstay window cancel quarterly-20261004T0000 --remark "the release is late"
    """
    found = call.opened().announcements.withdraw(id, call.person(who), remark)
    call.say(f"withdrawn: {found.id}")


def _announce(site: App, slot: Announced) -> None:
    """Announce a slot, and tell what it runs into."""
    from mainstay.schedule import occurrences

    site.announcements.announce(slot)
    known = site.agenda(slot.start, slot.end)
    met = [one for one in occurrences.upcoming(known, slot.start - timedelta(days=2), slot.end) if one.slot.window == slot.id]
    beside = ", ".join(name for one in met for name in one.beside)
    begins = f"{slot.start.astimezone(known.zone):%a %Y-%m-%d %H:%M %Z}"
    call.say(f"announced: {slot.id}\n  {begins}" + (f"\n  meanwhile due: {beside}" if beside else ""))
    needed = site.needed(site.routine(slot.routine))
    if needed and needed > (slot.end - slot.start).total_seconds():
        call.say(f"! {slot.routine} is expected to need {needed}")
