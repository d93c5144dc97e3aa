"""Figures over time: trends."""

from __future__ import annotations

from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Targets

app = call.command()


@app.command()
def trends(
    targets: Targets = None,
    figure: Annotated[
        str, typer.Option("--figure", metavar="NAME", help="Only figures whose name holds it.", show_default=False)
    ] = "",
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="How far back.")] = 30,
    as_json: Json = False,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Write a page with charts there.", show_default=False)
    ] = "",
) -> None:
    """Show how figures went: sizes, durations, rates, and whether they kept their objectives.

    Every look and every run writes figures down; nothing is looked at now. Those with an objective come first, with the share
    of looks that kept it, then those that moved most. Values of more than 90 days ago are means of days.

    \b
    mainstay trends
    mainstay trends db --figure duration --days 365
    mainstay trends db --output trends.html
    """
    from mainstay.report import html
    from mainstay.report import trends as told

    site = call.opened()
    now = call.now(site.site)
    found = [one for name, history in site.history(targets or (), days).items() for one in told.trends(name, history, figure)]
    if as_json:
        call.show_json("trends/1", {"site": site.site.name, "days": days, "figures": found})
        return
    document = told.document(f"Trends of {site.site.name}", found, days, now)
    if output:
        from mainstay.cli import reports

        reports.save(output, html.write(document))
    else:
        call.show(document)
