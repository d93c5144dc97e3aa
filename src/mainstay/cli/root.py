"""root: one look or step of a target that needs root, for the service; systemd starts it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from mainstay.cli import call

app = call.command()
_KEPT = Path("/var/lib/mainstay-root")


@app.command()
def root(
    user: Annotated[str, typer.Option("--for-user", metavar="NAME", help="The user of the service, who may ask.")] = "mainstay",
) -> None:
    """Do one step as root for the service; a unit calls it.

    mainstay-root.socket starts it for each connection, which is its standard input. It believes neither who asks nor the
    ledger: it reads the configuration, which has to be root's alone, looks and plans by itself, and does a step only if its
    own plan has it. What it has done is in a ledger of its own (/var/lib/mainstay-root) and in the journal of systemd.

    \b
    mainstay root --for-user mainstay        as mainstay-root@.service calls it
    journalctl -u 'mainstay-root@*'          what it did, and what it refused
    """
    from mainstay.model.errors import Refused
    from mainstay.report import terminal
    from mainstay.root import unit
    from mainstay.system import unix

    with unix.inherited(sys.stdin.fileno()) as way:
        if os.geteuid() != 0:
            raise Refused("this is for root alone", because=f"it runs as user {os.geteuid()}")
        state = Path(os.environ.get("STATE_DIRECTORY") or _KEPT)
        if told := unit.answer(way, call.configuration(), user, state):
            terminal.put(f"{told}\n", sys.stderr)
