"""What a person says about backups: keep it, let it go."""

from __future__ import annotations

from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Name
from mainstay.cli.repository import Dry, Repository, start

app = call.command()
_ID = typer.Argument(metavar="ID", help="The id of a backup or its beginning.", show_default=False)
Id = Annotated[str, _ID]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is remembered with your name.")]


@app.command()
def hold(
    reason: Reason,
    id: Id = "",
    target: Annotated[str, typer.Option("--of", metavar="TARGET", help="Only backups of this target.", show_default=False)] = "",
    older: Annotated[str, typer.Option("--older", metavar="AGE", help="Only those of at least this age.")] = "0s",
    younger: Annotated[
        str, typer.Option("--younger", metavar="AGE", help="Only those of at most this age.", show_default=False)
    ] = "0s",
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long; without it, until released.", show_default=False)
    ] = "0s",
    name: Name = "",
    repository: Repository = "",
    dry: Dry = False,
) -> None:  # fmt: skip
    """Keep backups whatever the rules of `keep` say.

    One by its id, or all of an age. No prune takes them until somebody releases them.

    \b
    mainstay backup hold 20260301T02 --reason "tax audit"
    mainstay backup hold --of db --older 30d --younger 90d --reason "court order"
    """
    words = {"backup": id, "target": target, "older": older, "younger": younger, "lasts": lasts}
    given = {key: value for key, value in words.items() if value or key == "backup"}
    start(repository, "hold", dry=dry, params={**given, "reason": reason, "by": call.person(name)})


@app.command()
def release(reason: Reason, id: Id = "", name: Name = "", repository: Repository = "", dry: Dry = False) -> None:
    """End the hold on a backup, or on all.

    The rules of `keep` decide about it again at the next prune.

    \b
    mainstay backup release 20260301T02 --reason "the audit is over"
    """
    start(repository, "release", dry=dry, params={"backup": id, "reason": reason, "by": call.person(name)})
