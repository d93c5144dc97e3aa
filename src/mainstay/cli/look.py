"""Looking: status (from memory), check (now), why (how facts lead to a decision)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Category, Json, Targets, TaskId

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.model.because import Finding
    from mainstay.model.run import TaskRecord
    from mainstay.report.standing import Look

app = call.command()


@app.command()
def status(category: Category = None, as_json: Json = False) -> None:
    """Tell what needs you now, from memory.

    Nothing is looked at or connected to. Open runs come first, each with the command that goes on with it; then what the last
    look at every target found and how old that is; then every routine with its last run, its result, and whether it is
    overdue.

    \b
    mainstay status
    mainstay status --category data
    mainstay status --json
    """
    from mainstay.cli import asking, state
    from mainstay.config.outline import outline

    site = outline(call.configuration())
    asking.instead(site)
    seen = state.of(site, call.now(site), category)
    if not as_json:
        call.show(state.document(seen))
        return
    call.show_json("status/1", state.encoded(seen))


@app.command()
def check(
    targets: Targets = None,
    full: Annotated[bool, typer.Option("--full", help="Every finding with its reason, also of what is well.")] = False,
    category: Category = None,
    as_json: Json = False,
) -> None:
    """Look at targets now; exits as monitoring plugins do.

    0 is ok, 1 warning, 2 critical, 3 unknown; nothing is changed. Each line names the worst finding of a target and the limit
    that it broke, with the line of the configuration that set it. With names of targets, or with --full, every finding is
    told.

    \b
    mainstay check
    mainstay check db logs
    mainstay check --full --json
    """
    site = call.opened()
    wanted = list(targets or ()) or _of_category(site, category)
    records = site.check(wanted) if wanted else []
    if as_json:
        call.show_json("check/1", {"site": site.site.name, "at": call.now(site.site), "checks": records})
    else:
        show_checks(site, records, full=full or bool(targets))
    raise typer.Exit(max((int(_look(record).level) for record in records), default=0))


@app.command()
def why(
    task: TaskId,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Only what names it: a table, a file, a fact.")] = "",
    as_json: Json = False,
) -> None:
    """Tell how the facts lead to what a task would do.

    It looks now, and tells what would be left alone as well. Every decision is one comparison: fact, value, limit, and the
    line of the configuration that set the limit. Nothing is done.

    \b
    mainstay why db.vacuum
    mainstay why logs.rotate app.log
    """
    from dataclasses import replace

    from mainstay.model.codec import encode
    from mainstay.report import screens

    site = call.opened()
    facts, decided = site.why(task)
    if as_json:
        call.show_json("why/1", {"task": task, "facts": facts, "plan": decided})
    else:
        local = replace(decided, made_at=decided.made_at.astimezone(call.now(site.site).tzinfo))
        call.show(screens.why(task, encode(facts), local, item))


def show_checks(site: App, records: list[TaskRecord], *, full: bool) -> None:
    """Tell what checks saw: a line for each target, or with `full` every finding."""
    from mainstay.report import screens, standing

    if full:
        found = [_named(record, finding) for record in records for finding in record.findings]
        call.show(screens.findings(site.site.name, found))
    else:
        call.show(standing.status(site.site.name, [_look(record) for record in records], call.now(site.site)))


def _of_category(site: App, category: str | None) -> list[str]:
    kinds = ((name, site.context.kind(target)) for name, target in site.site.targets.items())
    return [name for name, kind in kinds if category in (None, kind.category)]


def _look(record: TaskRecord) -> Look:
    from mainstay.report.standing import Look

    return Look(record.target, record.kind, record.findings, record.began)


def _named(record: TaskRecord, finding: Finding) -> Finding:
    """Put the target before what the finding is on."""
    from dataclasses import replace

    return finding if finding.on == record.target else replace(finding, on=f"{record.target}: {finding.on}")
