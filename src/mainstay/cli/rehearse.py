"""Rehearse a routine on copies, before its window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json
from mainstay.cli.repository import Dry, Repository, named
from mainstay.model.errors import ConfigError, Refused

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.model.task import Routine
    from mainstay.vault.rehearsal import Rehearsal

app = call.command()


@app.command()
def rehearse(
    routine: Annotated[str, typer.Argument(metavar="ROUTINE", help="The routine, or one task of a routine.")],
    last: Annotated[bool, typer.Option("--last", help="Show how its newest rehearsal went, and do nothing.")] = False,
    tidy: Annotated[bool, typer.Option("--tidy", help="Leave the copies as they were loaded, without dead rows.")] = False,
    repository: Repository = "",
    dry: Dry = False,
    as_json: Json = False,
) -> None:
    """Do a routine to copies of what it maintains, and take it back.

    Each target is rebuilt from its newest backup in an isolated scratch place that goes at once. Every task is done there as the
    routine would do it, proven, timed and taken back; then the copy is compared with what was loaded. The live system is neither
    asked nor touched. What cannot be rehearsed is named with its reason. --json goes with --last.

    \b
    mainstay rehearse weekly
    mainstay rehearse db.reindex
    mainstay rehearse weekly --last
    """
    if last:
        _show(call.opened(), repository, routine, as_json=as_json)
        return
    from mainstay.cli import doing

    try:
        doing.start(lambda site: _asked(site, repository, routine, wear=not tidy), doing.How(dry=dry))
    except typer.Exit:
        site = call.opened()
        run = site.runs(1)[0].id
        if any(one.name.startswith(run) for one in _records(site, repository)):
            call.say("")
            _show(site, repository, routine, as_json=False)
        raise


def _asked(site: App, repository: str, routine: str, *, wear: bool) -> Routine:
    """Return the routine of the one task that rehearses; a name that is none is told before anything is begun."""
    from mainstay.config.mistakes import nearest

    routines = site.site.routines.values()
    known = [*site.site.routines, *(task.id for one in routines for task in (*one.around, *one.tasks))]
    if routine not in known:
        raise ConfigError(f"there is no routine {routine!r}, and no task of one", next=nearest(routine, known))
    return site.routine(f"{named(site, repository)}.rehearse", {"routine": routine, "wear": wear})


def _show(site: App, repository: str, routine: str, *, as_json: bool) -> None:
    from mainstay.model.codec import encode
    from mainstay.report import rehearsal_page

    made = [one for one in _records(site, repository) if one.of == routine]
    if not made:
        raise Refused("it was never rehearsed", on=routine, next=f"mainstay rehearse {routine}")
    found = made[-1]
    if as_json:
        call.show_json("rehearsal/1", {"rehearsal": encode(found), "failures": found.failures, "acted": found.acted})
    else:
        call.show(rehearsal_page.document(found, call.now(site.site)))


def _records(site: App, repository: str) -> tuple[Rehearsal, ...]:
    from mainstay.vault import rehearsal
    from mainstay.vault.repository import open_repository

    root = site.site.targets[named(site, repository)].settings.repository.path
    return rehearsal.all_of(open_repository(root)) if root.is_dir() else ()
