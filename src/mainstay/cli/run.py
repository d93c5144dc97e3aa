"""plan, ready and run."""

from __future__ import annotations

from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Name, Remark, What

app = call.command()

Only = Annotated[list[str] | None, typer.Option("--only", metavar="TASK", help="Only this task; may be repeated.")]
Leave = Annotated[list[str] | None, typer.Option("--skip", metavar="TASK", help="Without this task; may be repeated.")]
From = Annotated[str, typer.Option("--from", metavar="TASK", help="Begin with this task.", show_default=False)]


@app.command()
def plan(
    what: What,
    only: Only = None,
    skip: Leave = None,
    start: From = "",
    as_json: Json = False,
) -> None:
    """Show what a routine or task would do, and why.

    Steps, impact, duration, and the reason for each, if it ran now; nothing is changed. It is a forecast: each task looks and
    decides again when its turn comes. What is left alone is listed too, with the reason. A target that cannot be looked at is
    told, and the exit code is 4.

    \b
    mainstay plan weekly
    mainstay plan weekly --only db.vacuum
    mainstay plan db.vacuum --json
    """
    from mainstay.cli import doing
    from mainstay.cli.choice import Choice
    from mainstay.model.errors import Unreachable
    from mainstay.model.run import Status

    site = call.opened()
    forecast = site.forecast(Choice(only or (), skip or (), start).of(site.routine(what)))
    if as_json:
        call.show_json("plan/1", {"routine": what, "tasks": forecast.tasks, "envelope": forecast.envelope})
    else:
        doing.show_plan(site, forecast)
    if any(task.status is Status.UNKNOWN for task in forecast.tasks):
        raise typer.Exit(Unreachable.exit_code)


@app.command()
def ready(
    routine: Annotated[str, typer.Argument(metavar="ROUTINE", help="The routine that is to run.")],
    as_json: Json = False,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Also look at every target, the copies and the room, and publish the plan.")
    ] = False,
    sign: Annotated[
        list[str] | None,
        typer.Option("--sign", metavar="ITEM", help="Sign what it requires, for its next run; may be repeated."),
    ] = None,
    decline: Annotated[bool, typer.Option("--decline", help="With --sign: say no.")] = False,
    name: Name = "",
    remark: Remark = "",
) -> None:
    """Tell whether a routine is ready for its next slot, with every reason.

    A day before, say: all gates are asked, its checks look, every task is planned, and the slot is compared with blackouts, with
    the time that is needed and with what it allows. Nothing is begun; the answer is written into the journal. The exit code is
    0 for go, also with warnings, and 3 for no. With --prepare, which `mainstay serve` does by itself where the routine says
    `prepare: 24h`, also: every target answers, copies are fresh, there is room; people are told once when it fails.

    \b
    mainstay ready weekly
    mainstay ready quarterly --sign staff --name "A. Nyström" --remark "two of us are in"
    """
    from mainstay.model.because import Level
    from mainstay.model.errors import Refused
    from mainstay.report import screens

    site = call.opened()
    for item in sign or ():
        site.sign_requirement(routine, item, call.person(name), remark, yes=not decline)
    found = site.prepare(routine) if prepare else site.ready(routine)
    worst = max(one.level for one in found)
    if as_json:
        call.show_json("ready/1", {"routine": routine, "go": worst < Level.CRITICAL, "findings": found})
    else:
        call.show(screens.readiness(routine, found))
    if worst >= Level.CRITICAL:
        raise typer.Exit(Refused.exit_code)


@app.command()
def run(
    what: What,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Consent to the printed envelope without being asked.")] = False,
    only: Only = None,
    skip: Leave = None,
    start: From = "",
    dry: Annotated[bool, typer.Option("--dry-run", help="Show the plan and do nothing, as `mainstay plan` does.")] = False,
    scheduled: Annotated[
        bool, typer.Option("--scheduled", help="Started by a timer: only inside its window, once per slot, nobody is asked.")
    ] = False,
    emergency: Annotated[bool, typer.Option("--emergency", help="Pass blackouts; needs --approver and --reason.")] = False,
    approver: Annotated[
        str, typer.Option("--approver", metavar="NAME", help="Who answers for an emergency.", show_default=False)
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why it is one.", show_default=False)] = "",
    name: Name = "",
) -> None:
    """Run a routine or a single task; what fails is taken back.

    What cannot be taken back, or what users notice, is printed first and needs a yes, at the terminal or with --yes. Ctrl-C
    stops the run cleanly: the step under way is taken back. A second Ctrl-C leaves at once; `mainstay resume` repairs that.

    \b
    mainstay run daily
    mainstay run weekly --yes --skip db.vacuum
    mainstay run daily --scheduled      from a timer
    mainstay run security --emergency --approver "A. Nyström" --reason CVE-2026-1234
    """
    from mainstay.cli import doing
    from mainstay.cli.choice import Choice

    choice = Choice(only or (), skip or (), start)
    how = doing.How(yes, scheduled, dry, doing.emergency(emergency, approver, reason), name)
    doing.start(lambda site: choice.of(site.routine(what)), how)
