"""The page: how the site stands, for a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from mainstay.cli import call

app = call.command()


@app.command()
def page(
    output: Annotated[str, typer.Option("--output", "-o", metavar="FOLDER", help="Where to write it; made if it is not there.")],
) -> None:
    """Write the page of the site, and the reports of its runs.

    HTML files without a script that need nothing else: index.html tells the state of every target, open runs and emergencies,
    windows, sign-offs, the age of every proof, and leads to the reports of the last runs and of the last day, week and month;
    status.json is what `mainstay status --json` prints. `mainstay serve` does this by itself where `serve: {page: ...}` says
    so, and lets browsers of this machine read it. Nothing is looked at.

    \b
    mainstay page --output /var/www/maintenance
    """
    from pathlib import Path

    from mainstay.cli import pages

    call.say(f"wrote {pages.write(call.opened(), Path(output).absolute())}")
