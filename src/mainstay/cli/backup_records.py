"""What a person says about backups (keep it, let it go, it is approved), and all that is known about one."""

from __future__ import annotations

from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Name, Remark
from mainstay.cli.repository import Dry, Repository, demand, named

app = call.command()
_ID = typer.Argument(metavar="ID", help="The id of a backup or its beginning.", show_default=False)
Id = Annotated[str, _ID]
Reason = Annotated[
    str, typer.Option("--reason", callback=call.in_words, metavar="TEXT", help="Why; it is remembered with your name.")
]


@app.command()
def hold(
    reason: Reason,
    id: Id = "",
    target: Annotated[str, typer.Option("--of", metavar="TARGET", help="Only backups of this target.", show_default=False)] = "",
    older: Annotated[str, typer.Option("--older", metavar="AGE", help="Only of at least this age.", show_default=False)] = "",
    younger: Annotated[
        str, typer.Option("--younger", metavar="AGE", help="Only of at most this age.", show_default=False)
    ] = "",
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long; without it, until released.", show_default=False)
    ] = "",
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
    of_age = {"older": older, "younger": younger}
    which = id or ("all" if any(of_age.values()) else "latest")
    words = {"backup": which, "target": target, **of_age, "lasts": lasts, "reason": reason, "by": call.person(name)}
    demand(repository, "hold", dry=dry, params={key: value for key, value in words.items() if value})


@app.command()
def release(reason: Reason, id: Id = "", name: Name = "", repository: Repository = "", dry: Dry = False) -> None:
    """End the hold on a backup, or on all.

    The rules of `keep` decide about it again at the next prune.

    \b
    mainstay backup release 20260301T02 --reason "the audit is over"
    """
    demand(repository, "release", dry=dry, params={"backup": id or "all", "reason": reason, "by": call.person(name)})


@app.command()
def approve(
    id: Annotated[str, typer.Argument(metavar="ID", help="The id of a backup or its beginning.")],
    role: Annotated[str, typer.Option("--as", metavar="ROLE", help="In which role you approve it.")],
    name: Name = "",
    remark: Remark = "",
    repository: Repository = "",
    dry: Dry = False,
) -> None:
    """Approve a proven backup, in a role.

    It is bound to you, the time and the SHA-256 of its manifest. A person counts once, and so does a role; the setting
    `approvals` says how many a month's backup needs.

    \b
    mainstay backup approve 20260301T02 --as "backup administrator"
    """
    words = {"backup": id, "by": call.person(name), "role": role, "remark": remark}
    demand(repository, "approve", dry=dry, params={key: value for key, value in words.items() if value})


@app.command()
def show(
    id: Id = "latest",
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, markdown, json or html.")] = "text",
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="Write it to a file.", show_default=False)] = "",
    repository: Repository = "",
) -> None:
    """Show everything that is known about one backup.

    Period, versions, sizes, counts, proofs, how long it is kept and why, approvals, and the SHA-256 that they are bound to.

    \b
    mainstay backup show
    mainstay backup show 20260301T02 --format markdown --output 2026-03.md
    """
    from mainstay.cli import backup_report, reports

    text, shown = backup_report.written(call.opened(), repository, id, format)
    if output:
        reports.save(output, text)
    elif shown:
        call.show(shown)
    else:
        call.say(text.rstrip("\n"))


@app.command()
def diff(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="A target that is a folder, such as one of configuration.")],
    id: Annotated[str, typer.Option("--backup", metavar="ID", help="Its id; `latest`: the newest proven one.")] = "latest",
    repository: Repository = "",
) -> None:
    """Show how a folder differs from its backup.

    Names, modes, owners and lines of text. Of files that may hold secrets only the names of changed keys are told. The backup
    is rebuilt in a scratch folder for that; nothing live is written to.

    \b
    mainstay backup diff config
    mainstay restore config --only nginx.conf --into /tmp/nginx.conf
    """
    from mainstay.cli import backup_diff

    site = call.opened()
    for line in backup_diff.lines(site, named(site, repository), target, id) or ("no difference",):
        call.say(line)
