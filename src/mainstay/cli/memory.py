"""What was done: runs, show, report."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Category, Json, Run

if TYPE_CHECKING:
    from mainstay.model.run import RunRecord

app = call.command()


@app.command()
def runs(
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=100_000, help="How many, the newest first.")] = 20,
    routine: Annotated[
        str, typer.Option("--routine", metavar="NAME", help="Only runs of this routine.", show_default=False)
    ] = "",
    as_json: Json = False,
) -> None:
    """List runs, newest first.

    When, how long, by whom, and how they ended; those that a gate refused are listed too.

    \b
    mainstay runs
    mainstay runs --routine weekly -n 52
    """
    from mainstay.cli import reports

    site = call.opened_or_asked()
    found = site.runs(count, routine)
    if as_json:
        call.show_json("runs/1", {"site": site.site.name, "runs": [_line(record) for record in found]})
    else:
        call.show(reports.listing(found, call.now(site.site)))


@app.command()
def show(
    run: Run = "last",
    output: Annotated[bool, typer.Option("--output", help="Also what the commands of its steps printed.")] = False,
    as_json: Json = False,
) -> None:
    """Show one run: every step, why, and what became of it.

    What was left alone is shown with the reason, what people said with their names. With --json the whole record as it is
    folded from the journal, with the facts before and after each step.

    \b
    mainstay show
    mainstay show 20260301T020000-weekly-3f6c --output
    """
    from mainstay.cli import reports

    site = call.opened_or_asked()
    record = site.run_record(run)
    if as_json:
        call.show_json("record/1", {"run": record})
        return
    call.show(reports.page(site, record))
    for task in record.tasks if output else ():
        for step in (one for one in task.steps if one.output):
            call.say(f"\n{task.id}: {step.step.action}\n{reports.indented(step.output)}")


@app.command()
def report(
    what: Annotated[str, typer.Argument(metavar="ROUTINE|RUN", help="A run, or a routine: its newest run.")] = "",
    daily: Annotated[bool, typer.Option("--daily", help="All runs of the last 24 hours.")] = False,
    weekly: Annotated[bool, typer.Option("--weekly", help="All runs of the last 7 days.")] = False,
    monthly: Annotated[bool, typer.Option("--monthly", help="All runs and emergencies of the last 30 days.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help="The change log: who did what, when, with what result.")] = False,
    category: Category = None,
    format: Annotated[str, typer.Option("--format", "-f", help="text, markdown, json, html, csv (changes).")] = "text",
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="Write it there.", show_default=False)] = "",
) -> None:  # fmt: skip
    """Write a report of a run, a routine, a day, a week or a month.

    The HTML report is one file without any link to elsewhere, to be sent or kept. All formats are rendered from the same
    record; nothing is run or looked at to write them.

    \b
    mainstay report weekly --format html --output weekly.html
    mainstay report --daily --category data
    mainstay report --weekly --changes --format csv
    """
    from mainstay.cli import reports

    asked = reports.Asked(what, 30 if monthly else 7 if weekly else 1 if daily else 0, changes, category)
    text, shown = reports.written(call.opened(), asked, format)
    if output:
        reports.save(output, text)
    elif shown and sys.stdout.isatty():
        call.show(shown)
    else:
        call.say(text.rstrip("\n"))


def _line(record: RunRecord) -> dict[str, object]:
    names = ("id", "routine", "launched_by", "status", "verdict", "began", "ended", "took", "settled", "because")
    return {name: getattr(record, name) for name in names}
