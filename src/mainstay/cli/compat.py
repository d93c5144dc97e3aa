"""The options of the old maintenance.sh, so that crontabs and habits go on working on the first day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.model.errors import ConfigError

if TYPE_CHECKING:
    from mainstay.app import App

app = call.command()
TASKS = {
    "health-check": "check",
    "log-rotation": "rotate",
    "backup-verification": "verify",
    "performance-optimization": "optimize",
}


@app.command()
def compat(
    task: Annotated[str, typer.Argument(metavar="TASK", help=f"An old task: {', '.join(TASKS)}.")] = "",
    daily: Annotated[bool, typer.Option("--daily", help="Run the routine daily.")] = False,
    weekly: Annotated[bool, typer.Option("--weekly", help="Run the routine weekly.")] = False,
    monthly: Annotated[bool, typer.Option("--monthly", help="Run the routine monthly.")] = False,
    yearly: Annotated[bool, typer.Option("--yearly", help="Run the routine yearly.")] = False,
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="Write the report of the run there.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Consent to the printed envelope without being asked.")] = False,
) -> None:  # fmt: skip
    """Take the options of the old maintenance.sh.

    Runs the routine of that name, or an old task on every target that has it.

    \b
    mainstay compat --daily --output /var/log/maintenance.txt
    mainstay compat log-rotation
    """
    from mainstay.cli import doing, reports

    flags = {"daily": daily, "weekly": weekly, "monthly": monthly, "yearly": yearly}
    chosen = [name for name, given in flags.items() if given] + ([task] if task else [])
    if len(chosen) != 1:
        raise ConfigError("name one of --daily, --weekly, --monthly, --yearly, or one task", next=f"tasks: {', '.join(TASKS)}")
    site = call.opened()
    if task and task not in TASKS:
        raise ConfigError(f"there is no task {task!r}", next=f"known: {', '.join(TASKS)}; or mainstay run TARGET.TASK")
    routine = doing.together(site, task, _having(site, TASKS[task])) if task else site.routine(chosen[0])
    try:
        doing.start(lambda _: routine, doing.How(yes=yes))
    finally:
        if output:
            reports.save(output, reports.written(site, reports.Asked(chosen[0]), "text")[0])


def _having(site: App, task: str) -> list[str]:
    kinds = ((target.name, site.context.kind(target)) for target in site.site.targets.values())
    found = [f"{name}.{task}" for name, kind in kinds if task in kind.names]
    if not found:
        raise ConfigError(f"no target has a task {task}", next="mainstay check-config --explain")
    return found
