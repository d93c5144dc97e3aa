"""When nothing may be done that people notice: blackout add, list, remove."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Name, Remark
from mainstay.cli.when import For, From, MaxImpact, Until

app = call.command()
group = call.command("blackout", help="When nothing may be done that people notice. Backups and checks go on.")
app.add_typer(group)

Blackout = Annotated[str, typer.Argument(metavar="NAME", help="How it is called, such as survey.")]


@group.command()
def add(
    name: Blackout,
    reason: Annotated[str, typer.Option("--reason", callback=call.in_words, metavar="TEXT", help="What people are told.")],
    start: From = "",
    until: Until = "",
    length: For = "",
    impact: MaxImpact = "none",
    who: Name = "",
) -> None:
    """Add a blackout, with an end and a reason.

    Whatever is harder than --max-impact is put off or deferred until it is over; backups and checks go on. The same name again
    changes it. An emergency passes it: `mainstay run ROUTINE --emergency`.

    \b
    mainstay blackout add schedule-published --for 24h --reason "the new schedule is out"
    mainstay blackout add survey --from "2026-11-02" --until "2026-11-10" --reason "ACGME survey"
    """
    from mainstay.cli import when
    from mainstay.model.plan import Impact
    from mainstay.schedule.blackouts import Span

    site = call.opened()
    span = Span(name, *when.stretch(site.site, start, until, length), Impact[impact.upper()], reason)
    site.announcements.add_blackout(span, call.person(who))
    told = span.because(ZoneInfo(site.site.timezone))
    call.say(f"added: {told.fact}\n  {told.value}")


@group.command("list")
def list_(
    days: Annotated[int, typer.Option("--days", min=1, max=1100, help="How far ahead.")] = 365,
    as_json: Json = False,
) -> None:
    """List the blackouts that are in force or to come.

    Those of the configuration, those that people added, and those that targets know: they are asked now.

    \b
    mainstay blackout list
    mainstay blackout list --days 30 --json
    """
    from mainstay.report import calendar

    site = call.opened()
    now = call.now(site.site)
    found = site.blackouts(now, now + timedelta(days=days))
    if as_json:
        call.show_json("blackouts/1", {"site": site.site.name, "at": now, "days": days, "blackouts": found})
    else:
        call.show(calendar.blackouts(site.site, found, now, days))


@group.command()
def remove(name: Blackout, remark: Remark = "", who: Name = "") -> None:
    """End a blackout that somebody added.

    \b
    mainstay blackout remove schedule-published --remark "nobody complains"
    """
    site = call.opened()
    site.announcements.remove_blackout(name, call.person(who), remark)
    call.say(f"removed {name}")
