"""serve and ask: the long-lived process, and how other users of the machine talk to it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.model.units import Duration

app = call.command()


@app.command()
def serve(
    limit: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="Stop after that long; for trying it out.", show_default=False)
    ] = "",
) -> None:
    """Keep it all going: start what is due, look, settle, answer.

    Routines are started in their windows, each occurrence once; every target is looked at at an interval (`checks: {every:
    5m}`); runs whose process is gone are settled; other users of the machine may ask (`access:`), and its browsers read how
    the site stands (`serve: {page: ...}`). It stays in the foreground and tells on standard error. TERM stops it within ten
    seconds: what is under way is stopped as by Ctrl-C. HUP reads the configuration anew, and keeps the old one where the new
    one is wrong.

    \b
    mainstay serve
    mainstay serve --for 10m
    mainstay --config /etc/mainstay/mainstay.yaml serve
    """
    from mainstay.serve import service

    service.serve(call.configuration(), _tell, _duration(limit) if limit else None)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def ask(
    words: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="What to ask for, as on a command line of its own.")],
) -> None:
    """Ask the running service, as a user without the state folder.

    It answers who may ask: root, the user it runs as, and those whom `access:` of its configuration names. status, windows,
    runs and show are `look`; run, plan and check are `run`; then there are sign and cancel. What acts is journaled with the
    name of who asked, and so is what was refused. A routine has to be one of the configuration.

    \b
    mainstay ask status
    mainstay ask run weekly --yes
    mainstay ask cancel last --remark "the office is still open"
    """
    from mainstay.cli import asking

    raise typer.Exit(asking.ask(asking.place(), words))


def _tell(text: str) -> None:
    from mainstay.report import terminal

    terminal.put(f"mainstay: {text}\n", sys.stderr)


def _duration(text: str) -> Duration:
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
