"""Logs: their tasks by short names, on every target that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Targets
from mainstay.model.errors import ConfigError

if TYPE_CHECKING:
    from mainstay.app import App

KIND = "logs"

app = call.command()
group = call.command(
    "logs",
    help="""Rotate logs, or list them with all their parts.

Each command is the task of that name on the configured logs. Nothing is lost while a log is rotated: its writer lets go
of the old file first, and the bytes are counted.

\b
mainstay logs report
mainstay logs rotate --dry-run
""",
)
app.add_typer(group)


@group.command()
def rotate(
    targets: Targets = None,
    yes: bool = typer.Option(False, "--yes", "-y", help="Consent to the printed envelope without being asked."),
    dry: bool = typer.Option(False, "--dry-run", help="Show what would be done, and do nothing."),
) -> None:
    """Rotate the logs that are due.

    By the policy of their target, and without losing a line that is being written.

    \b
    mainstay logs rotate
    mainstay logs rotate app-logs --dry-run
    """
    from mainstay.cli import doing

    doing.start(lambda site: doing.together(site, "logs.rotate", _tasks(site, targets, "rotate")), doing.How(yes=yes, dry=dry))


@group.command()
def report(targets: Targets = None, as_json: Json = False) -> None:
    """List every log with all its parts.

    Live file, rotated parts, archived parts, with sizes and dates.

    \b
    mainstay logs report
    """
    from mainstay.cli import doing
    from mainstay.report import screens

    site = call.opened()
    seen = site.forecast(doing.together(site, "logs.report", _tasks(site, targets, "report"))).tasks
    if as_json:
        call.show_json(
            "logs/1", {"logs": [{"target": task.target, "findings": task.findings, "because": task.because} for task in seen]}
        )
    else:
        call.show(screens.findings("Logs", [finding for task in seen for finding in task.findings]))


def _tasks(site: App, targets: list[str] | None, task: str) -> list[str]:
    known = [target.name for target in site.site.targets.values() if target.kind == KIND]
    unknown = [name for name in targets or () if name not in known]
    if unknown or not known:
        what = f"{', '.join(unknown)}: no target of kind {KIND}" if unknown else f"no target of kind {KIND} is configured"
        raise ConfigError(what, next=f"known: {', '.join(known)}" if known else f"add a target of kind {KIND}")
    return [f"{name}.{task}" for name in targets or known]
