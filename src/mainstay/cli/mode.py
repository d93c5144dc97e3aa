"""Modes by hand: what stays in force around work that is not Mainstay's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Name, Remark

if TYPE_CHECKING:
    from mainstay.app import Mode

app = call.command()
group = call.command(
    "mode",
    help="""Put a maintenance mode in force by hand, and lift it.

It is a run of its own: journaled, proven, and owed until it is lifted. `mainstay settle` lifts it when its time is over, unless
a check has become bad since.

\b
mainstay mode on web --for 30m --reason "new shelves"
mainstay mode status
mainstay mode off web
""",
)
app.add_typer(group)

Modal = Annotated[
    str, typer.Argument(metavar="TARGET|TASK", help="A target that has one mode, or the task, such as db.read_only.")
]


@group.command()
def on(
    what: Modal,
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="How long it is expected to last, such as 30m.")],
    reason: Annotated[str, typer.Option("--reason", callback=call.in_words, metavar="TEXT", help="Why; users may read it.")],
) -> None:
    """Put a mode in force, proven, and leave it so.

    For work by hand. Its run stays open without a process: `mainstay mode off` lifts it, and so does `mainstay settle` once its
    time is over, if no check has become bad since; else it stays, and settle says so and exits with 1. A routine that starts
    meanwhile leaves it as it is.

    \b
    mainstay mode on web --for 30m --reason "new shelves"
    mainstay mode on db.read_only --for 10m --reason "a copy for the auditors"
    """
    from mainstay.cli import doing
    from mainstay.model.errors import ConfigError
    from mainstay.model.units import Duration

    try:
        time = Duration.parse(lasts)
    except ValueError as error:
        raise ConfigError(f"--for: {error}") from None
    site = call.opened()
    with doing.listening(site) as live:
        record = live.mode_on(what, time, reason)
    if record.standing is None:
        for skip in (skip for task in record.tasks if task.plan for skip in task.plan.skips):
            call.say(f"{record.routine} is left as it is: {skip.because}")
        doing.conclude(record, site)
        raise typer.Exit(doing.exit_code(record))
    call.say(f"{record.routine} is {record.because}\n  next: mainstay mode off {record.routine}")
    if not site.guarded():
        call.say("  no timer settles runs here: it stays until you lift it")


@group.command()
def off(what: Modal, name: Name = "", remark: Remark = "") -> None:
    """Lift a mode that is in force by hand, and see that it is gone.

    At once and whatever the checks say: you are there. A mode that belongs to a routine is lifted by its run.

    \b
    mainstay mode off web
    """
    from mainstay.cli import doing

    site = call.opened()
    with doing.listening(site) as live:
        record = live.mode_off(what, call.person(name), remark)
    doing.conclude(record, site)
    raise typer.Exit(doing.exit_code(record))


@group.command()
def status(as_json: Json = False) -> None:
    """Show every mode of the site, and which run has it in force.

    From the journal; `mainstay check` asks from outside. It also says whether anybody would lift a mode whose process has died.

    \b
    mainstay mode status
    mainstay mode status --json
    """
    site = call.opened()
    modes, guarded = site.modes(), site.guarded()
    if as_json:
        call.show_json("modes/1", {"site": site.site.name, "modes": modes, "guarded": guarded})
        return
    for mode in modes:
        call.say(_line(mode))
    if not modes:
        call.say("no target of this site has a mode")
    call.say("runs are settled by a timer" if guarded else "no timer settles runs: a mode whose process died stays in force")


def _line(mode: Mode) -> str:
    if not mode.run:
        return f"{mode.task}: off"
    command = f"mainstay mode off {mode.task}" if mode.by_hand else f"mainstay show {mode.run}"
    return f"{mode.task}: {mode.because}\n  next: {command}"
