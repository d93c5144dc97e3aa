"""What goes on with a run: resume, rollback, cancel, settle, sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Name, OpenRun, Remark

if TYPE_CHECKING:
    from collections.abc import Callable

    from mainstay.app import App
    from mainstay.model.run import RunRecord

app = call.command()


@app.command()
def resume(run: OpenRun) -> None:
    """Go on with a run whose process is gone, or that was signed.

    First it finds out what was half done, then it finishes or takes back. It looks again instead of guessing: a step that was
    started and never ended is probed, repeated, taken back, or put to you, as its plan says. Safe to call at any time: a run
    whose process lives is left alone.

    \b
    mainstay resume last
    mainstay resume 20260301T020000-weekly-3f6c
    """
    _go_on(run, lambda live, id: live.resume(id))


@app.command()
def rollback(run: OpenRun) -> None:
    """Take back every change of a run that is not settled yet.

    Newest first, and the targets are checked afterwards. What cannot be taken back stays and is named in the report. A
    settled run has given up what its undo needed; that is refused. Exits with 0 when nothing of it is left.

    \b
    mainstay rollback last
    """
    _go_on(run, lambda live, id: live.roll_back(id), lambda record: record.traceless and record.settled)


@app.command()
def cancel(run: OpenRun, name: Name = "", remark: Remark = "") -> None:
    """Ask the process that works on a run to stop.

    From any other terminal; it looks about once a second. The step under way is stopped and taken back, what comes after it
    is left alone. What was finished before stays; `mainstay rollback` takes that back too. A run that is parked ends when it
    is resumed.

    \b
    mainstay cancel last --remark "the office is still open"
    """
    site = call.opened()
    record = _open(site, run)
    site.cancel(record.id, call.person(name), remark)
    call.say(f"asked {record.id} to stop\n  next: mainstay show {record.id}")


@app.command()
def settle(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run; without one, all that need no person.")] = "",
    name: Name = "",
    remark: Remark = "",
    happened: Annotated[
        bool | None, typer.Option("--happened/--did-not-happen", help="Whether the step happened of which nobody else can tell.")
    ] = None,
    every: Annotated[
        str, typer.Option("--every", metavar="TIME", help="Said by a timer: how often it settles.", show_default=False)
    ] = "",
) -> None:
    """Settle all runs that need no person, or say how one ended.

    Without RUN it goes on with every run whose process is gone, and looks at those that are watched: for a timer, and after a
    crash. With RUN, a person decides: --happened or --did-not-happen answers for a step that nobody else can know, and the run
    goes on; without either, you take it from here, and nothing is owed by this run any more. That frees what its undo needed.

    A timer says with --every how often it calls. Runs that nobody attends put nothing in force around their work unless such a
    call was heard lately: it is what lifts a mode whose process has died.

    \b
    mainstay settle
    mainstay settle --every 1m      from a timer
    mainstay settle last --did-not-happen --remark "looked at the server by hand"
    """
    if not run:
        _sweep(every)
    elif happened is None:
        site = call.opened()
        record = site.settle(_open(site, run).id, call.person(name), remark)
        call.say(f"settled {record.id}: nothing is owed by it any more")
    else:
        _go_on(run, lambda live, id: _answered(live, id, call.person(name), remark, yes=happened))


@app.command()
def sign(
    run: OpenRun,
    task: Annotated[str, typer.Argument(metavar="TASK", help="The item that the run waits for.")],
    name: Name = "",
    remark: Remark = "",
    decline: Annotated[bool, typer.Option("--decline", help="Say no: the item has failed.")] = False,
    begin: Annotated[bool, typer.Option("--begin", help="Begin it: from now on it is timed; sign it when it is done.")] = False,
    go_on: Annotated[bool, typer.Option("--resume/--no-resume", help="Go on with the run at once.")] = True,
) -> None:
    """Answer the item that a parked run waits for, and go on.

    Your name and remark are written into the journal and stand in every report. Before the run goes on, it passes its gates
    again. What a task of level `review` has done is reviewed with it too; declined, the run has failed, and can be rolled back.

    \b
    mainstay sign last menu.sign --remark "seen on the phone"
    mainstay sign last menu.sign --decline --remark "still the old one"
    """
    site = call.opened()
    record = _open(site, run)
    if begin:
        site.begin_item(record.id, task, call.person(name), remark)
        call.say(f"begun: {task} of {record.id}\n  next: mainstay sign {record.id} {task}")
        return
    site.sign(record.id, task, call.person(name), remark, yes=not decline)
    call.say(f"{'declined' if decline else 'signed'} {task} of {record.id}")
    if record.ended:
        _go_on(record.id, lambda live, id: live.reviewed(id))
    if go_on:
        _go_on(record.id, lambda live, id: live.resume(id))
    call.say(f"  next: mainstay resume {record.id}")


def _go_on(run: str, act: Callable[[App, str], RunRecord], good: Callable[[RunRecord], bool] = lambda _: False) -> None:
    from mainstay.cli import doing
    from mainstay.cli.stop import Wish

    wish = Wish()
    site = call.opened(wish)
    id = _open(site, run).id
    doing.finish(site, wish, lambda live: act(live, id), good)


def _answered(live: App, id: str, by: str, remark: str, *, yes: bool) -> RunRecord:
    live.answer(id, by, remark, yes=yes)
    return live.resume(id)


def _open(site: App, run: str) -> RunRecord:
    """Return the run that is meant: here `last` is the newest one that is not settled, where there is any."""
    unsettled = site.unsettled() if run == "last" else []
    return unsettled[-1] if unsettled else site.run_record(run)


def _sweep(every: str) -> None:
    from mainstay.cli import doing
    from mainstay.cli.stop import Wish
    from mainstay.model.errors import ConfigError
    from mainstay.model.units import Duration

    try:
        often = Duration.parse(every) if every else None
    except ValueError as error:
        raise ConfigError(f"--every: {error}") from None

    wish = Wish()
    site = call.opened(wish)
    with wish.heard(), doing.listening(site) as live:
        swept = live.sweep(often)
    for record in swept:
        if record.only_watched:
            call.say(f"watched {record.id}: {record.watched.because or 'nothing is worse than before the run'}")
        else:
            doing.conclude(record, site)
    if not swept:
        call.say("nothing to settle")
    raise typer.Exit(max((doing.exit_code(record) for record in swept if not record.only_watched), default=0))
