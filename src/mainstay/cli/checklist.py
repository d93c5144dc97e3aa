"""Checklists: what is due, the answers of facts and persons, signatures, export; and the reminder for a timer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Name, Remark

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.model.checklist import Sheet
    from mainstay.report.checklist import ChecklistReport

app = call.command()
group = call.command(
    "checklist",
    help="""Fill in checklists and sign them.

Facts answer what they can, persons answer the rest, and other persons sign. Every word stands in the journal with name and
time; a signature is bound to the answers that it was given for.

\b
mainstay checklist answer daily-backup
mainstay checklist answer daily-backup 11 --remark "seen in the safe"
mainstay checklist sign daily-backup
mainstay checklist export daily-backup --output 2026-11-28.html
""",
)
app.add_typer(group)

Which = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A checklist, or the id of one of its sheets.",
        autocompletion=call.completed(lambda app: [*app.site.checklists]),
    ),
]


@group.command("list")
def list_(as_json: Json = False) -> None:
    """List checklists, how they stand, and when they are due.

    \b
    mainstay checklist list
    """
    from mainstay.report import checklist

    site = call.opened()
    rows = [checklist.Row(one.checklist.name, one.checklist.title, one.sheet, one.next) for one in site.checklists.all()]
    if as_json:
        told = [
            {"name": one.name, "title": one.title, "sheet": one.sheet and one.sheet.id, "next": one.next,
             "status": checklist.status_of(one.sheet) if one.sheet else "never"}
            for one in rows
        ]  # fmt: skip
        call.show_json("checklists/1", {"site": site.site.name, "at": call.now(site.site), "checklists": told})
    else:
        call.show(checklist.overview(rows, call.now(site.site)))


@group.command()
def show(name: Which, as_json: Json = False) -> None:
    """Show a checklist as it stands.

    \b
    mainstay checklist show daily-backup
    """
    from mainstay.report import checklist
    from mainstay.report.render import as_json as encoded

    site = call.opened()
    found = _report(site, site.checklists.sheet(name))
    if as_json:
        call.show_json("checklist/1", {key: value for key, value in encoded(found).items() if key != "schema"})
    else:
        call.show(checklist.document(found))


@group.command()
def answer(
    checklist: Which,
    item: Annotated[int, typer.Argument(metavar="ITEM", help="The number of an item; without it, facts answer.")] = 0,
    ok: Annotated[bool, typer.Option("--ok/--not-ok", help="Whether it is in order.")] = True,
    name: Name = "",
    remark: Remark = "",
) -> None:
    """Answer an item, or let facts answer.

    Without ITEM every item that facts answer is looked at now. Your answer to such an item needs a remark; so does every
    answer that something is not in order.

    \b
    mainstay checklist answer daily-backup
    mainstay checklist answer daily-backup 11 --remark "seen in the safe"
    mainstay checklist answer daily-backup 12 --not-ok --remark "no space"
    """
    site = call.opened()
    if item:
        sheet = site.checklists.answer_as(checklist, item, call.person(name), remark, ok=ok)
    else:
        sheet = site.checklists.answer(checklist)
    _stands(sheet)


@group.command()
def sign(
    checklist: Which,
    role: Annotated[
        str, typer.Option("--as", metavar="ROLE", help="In which role; else the first that is missing.", show_default=False)
    ] = "",
    action: Annotated[
        str, typer.Option("--action", metavar="TEXT", help="What was done about what is not in order.", show_default=False)
    ] = "",
    name: Name = "",
) -> None:
    """Sign a checklist as it stands.

    Every item has to be answered. A person signs once, and so does a role; a signature holds for these answers only, and
    ends when one of them is changed.

    \b
    mainstay checklist sign daily-backup
    mainstay checklist sign monthly --as "IT manager" --action "disk ordered"
    """
    site = call.opened()
    _stands(site.checklists.sign(checklist, call.person(name), role, action))


@group.command()
def export(
    name: Which,
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, markdown, json or html.")] = "",
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="Write it to a file.", show_default=False)] = "",
) -> None:
    """Write a checklist down: Markdown, HTML or JSON.

    With answers, signatures and the SHA-256 that they are bound to. The ending of FILE tells the format.

    \b
    mainstay checklist export daily-backup --output 2026-11-28.html
    mainstay checklist export daily-backup --format markdown
    """
    from mainstay.cli import reports

    site = call.opened()
    found = _report(site, site.checklists.sheet(name))
    text, shown = reports.rendered(found, format or reports.format_of(output))
    if output:
        reports.save(output, text)
    elif shown:
        call.show(shown)
    else:
        call.say(text.rstrip("\n"))


@app.command()
def remind() -> None:
    """Write down what people have to be told by now; for a timer.

    Checklists that are due are opened and answered by facts; of whom something is still missing is written down after the
    times of `remind`. Emergencies that stay open are escalated.

    \b
    mainstay remind
    """
    site = call.opened()
    emergencies, sheets = site.remind()
    for found in emergencies:
        to = ", ".join(found.to) or "somebody: no contact is configured"
        call.say(f"{found.id} is open for more than {found.after}: tell {to}")
    for sheet in sheets:
        _stands(sheet)
    if not emergencies and not sheets:
        call.say("nothing to remind of")


def _report(site: App, sheet: Sheet) -> ChecklistReport:
    from mainstay.report import checklist

    return checklist.build(site.site.name, sheet, call.now(site.site), site.journal.head())


def _stands(sheet: Sheet) -> None:
    """Say in a line or two what is missing."""
    answered = len(sheet.lines) - len(sheet.unanswered)
    call.say(f"{sheet.title}: {answered} of {len(sheet.lines)} answered, {len(sheet.wrong)} not in order")
    if sheet.unanswered:
        numbers = ", ".join(str(line.number) for line in sheet.unanswered)
        call.say(f"  open: {numbers}\n  next: mainstay checklist answer {sheet.name} ITEM")
    elif sheet.missing:
        call.say(f"  not signed by {', '.join(sheet.missing)}\n  next: mainstay checklist sign {sheet.name}")
    else:
        call.say(f"  signed by {', '.join(f'{one.by} as {one.role}' for one in sheet.signatures)}")
