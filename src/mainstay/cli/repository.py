"""Which repository a command means, and how it starts a task there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mainstay.model.errors import ConfigError, Refused, Unreachable

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.model.task import Routine

KIND = "backup"
Repository = Annotated[
    str,
    typer.Option("--in", metavar="TARGET", help="The repository; needed only where several are configured.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Consent to the printed envelope without being asked.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]


def start(repository: str, task: str, *, yes: bool = False, dry: bool, params: dict[str, Any] | None = None) -> None:
    """Run a task of the repository that is meant, or show what it would do."""
    from mainstay.cli import doing

    how = doing.How(yes=yes, dry=dry)
    doing.start(lambda site: site.routine(f"{named(site, repository)}.{task}", words(params or {})), how)


def demand(repository: str, task: str, *, dry: bool, params: dict[str, Any]) -> None:
    """Run a task that a person asked for by name; Refused with the reason when there is nothing that it would do."""
    from mainstay.cli import doing

    def routine(site: App) -> Routine:
        asked = site.routine(f"{named(site, repository)}.{task}", words(params))
        for plan in site.forecast(asked).plans:
            if not plan.steps and not dry:
                raise Refused(
                    "there is nothing to do", on=plan.task, because=str(plan.skips[0].because), next="mainstay backup list"
                )
        return asked

    doing.start(routine, doing.How(dry=dry))


def words(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters whose texts mean what a person has typed: quoted, for a task takes its parameters as YAML."""
    return {name: json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value for name, value in params.items()}


def named(site: App, repository: str) -> str:
    """Return the name of the repository that is meant: the one that is named, or the only one."""
    known = [target.name for target in site.site.targets.values() if target.kind == KIND]
    if repository in known or (len(known) == 1 and not repository):
        return repository or known[0]
    missing = "no repository is configured" if not known else "several repositories"
    what = f"there is no repository {repository!r}" if repository else missing
    raise ConfigError(what, next=f"name one with --in: {', '.join(known)}" if known else f"add a target of kind {KIND}")


def readable(site: App, repository: str) -> Any:
    """Return what a look at a repository shows; an error where it cannot be read, is not there now, or was never made."""
    facts, _ = site.why(f"{repository}.check")
    path, mount = str(facts.settings.repository.path), "mount its disk, or correct repository.path"
    if facts.trouble:
        raise Refused("the repository cannot be read", on=path, because=facts.trouble)
    if facts.expected and not facts.identity:
        raise Unreachable("the repository that was here before is gone", on=path, next=mount)
    if not facts.identity:
        raise Refused("there is no repository here", on=path, next=f"{mount}; if there never was one: mainstay backup now")
    return facts
