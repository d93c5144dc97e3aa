"""From a forecast to a run: what would be done is shown, consent is asked for, progress is told, the end is summed up."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TextIO

import typer

from mainstay.app import App, Forecast
from mainstay.cli import call, state
from mainstay.cli.stop import Wish
from mainstay.engine import owed
from mainstay.engine.run import Launch
from mainstay.model.codec import encode
from mainstay.model.errors import Refused
from mainstay.model.plan import Envelope, Plan
from mainstay.model.run import Override, RunRecord, Status, TaskRecord, Verdict
from mainstay.model.task import Routine
from mainstay.model.units import Duration, Size
from mainstay.report import marks, screens, terminal
from mainstay.report.compare import flat
from mainstay.report.document import Cell, Entries, Entry, plural
from mainstay.report.progress import Progress
from mainstay.system import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True)
class How:
    """How a run is started: consent given beforehand, by a timer, or shown only; and by whom, if not by this user."""

    yes: bool = False
    scheduled: bool = False
    dry: bool = False
    emergency: Override | None = None
    by: str = ""


def emergency(asked: bool, approver: str, reason: str) -> Override | None:
    """Return the emergency that somebody answers for, or None."""
    if asked != bool(approver and reason) or bool(approver) != bool(reason):
        raise typer.BadParameter("an emergency has all of --emergency, --approver NAME and --reason TEXT")
    return Override(approver, reason) if asked else None


def start(routine: Callable[[App], Routine], how: How) -> None:
    """Run what `routine` picks, after consent, and exit by how it ended; with `dry`, show the forecast only."""
    wish = Wish()
    app = call.opened_or_asked(wish)
    chosen = routine(app)
    if how.dry:
        show_plan(app, app.forecast(chosen))
        return
    if how.scheduled and how.emergency:
        raise typer.BadParameter("an emergency is no timer's: leave out --scheduled")
    launch = Launch(attended=False, scheduled=True) if how.scheduled else attended(app, chosen, yes=how.yes)
    launch = replace(launch, emergency=how.emergency, by=how.by)
    finish(app, wish, lambda live: live.run(chosen, launch))


def attended(app: App, routine: Routine, *, yes: bool) -> Launch:
    """Return how a person starts a run: with consent to what needs it, asked for where nothing else gives it."""
    forecast = app.forecast(routine)
    if forecast.envelope is None:
        return Launch()
    call.say(envelope(forecast.envelope).rstrip("\n"))
    if not yes and not _agreed(routine.name):
        raise Refused(
            "nobody consented", on=routine.name, because="what it would do cannot be taken back or is noticed by users",
            next="say y at a terminal, or pass --yes",
        )  # fmt: skip
    return Launch(envelope=forecast.envelope, how="--yes" if yes else "asked at the terminal")


def together(app: App, name: str, tasks: Sequence[str]) -> Routine:
    """Return one routine of several single tasks."""
    if len(tasks) == 1:
        return app.routine(tasks[0])
    return Routine(name, tuple(task for id in tasks for task in app.routine(id).tasks))


def envelope(asked: Envelope) -> str:
    """Return what a person consents to, as it is printed."""
    ceilings = [f"at most {Duration(round(asked.minutes * 60))}"]
    ceilings += [f"{Size(asked.bytes)} read or written"] if asked.bytes else []
    ceilings += [f"{plural(asked.rows, 'row')} missing afterwards"] if asked.rows else []
    head = Entry(Cell("!", "warn"), f"This needs consent: {', '.join(ceilings)}", marks.impact_word(asked.impact).text)
    acts = (Entry(Cell("→", "info"), act) for act in asked.acts)
    return terminal.lines(Entries((head, *acts)), terminal.width_of(sys.stdout), terminal.colour_of(sys.stdout))


def finish(app: App, wish: Wish, act: Callable[[App], RunRecord], good: Callable[[RunRecord], bool] = lambda _: False) -> None:
    """Do it with live progress, sum it up, and exit by how it ended; with 0 also where that is `good`, for it was asked for."""
    with wish.heard(), listening(app) as live:
        record = act(live)
    conclude(record, app)
    raise typer.Exit(0 if good(record) else exit_code(record))


@contextmanager
def listening(app: App, stream: TextIO | None = None) -> Iterator[App]:
    """Return the same site, telling its progress."""
    with Progress(stream or sys.stdout, clock.monotonic) as progress:
        yield app.listening(progress)


def conclude(record: RunRecord, app: App) -> None:
    """Say in three lines how a run ended, or what it asks a person, and what to do next."""
    changed = sum(step.status is Status.CHANGED and not step.undo_of for task in record.tasks for step in task.steps)
    took = f" in {record.took}" if record.took is not None else ""
    waiting = next((task.id for task in record.tasks if task.status is Status.WAITING), None)
    told = marks.told(question(app, waiting) if waiting else record.because, advice=_next(record, waiting))
    word = marks.verdict_word(record.verdict, record.status, rolled_back=record.rolled_back)
    mark = Cell({Verdict.PASS: "✓", Verdict.DEGRADED: "!", Verdict.FAIL: "✗", None: "…"}[record.verdict], word.tone)
    entry = Entry(mark, f"{record.routine}: {word.text}{took}, {plural(changed, 'step')} done", record.id, told)
    width, colour = terminal.width_of(sys.stdout), terminal.colour_of(sys.stdout)
    call.say("\n" + terminal.lines(Entries((entry,)), width, colour).rstrip("\n"))


def question(app: App, task: str) -> str:
    """Return what an item asks a person: the facts of its task."""
    facts, _ = app.why(task)
    return "; ".join(str(value) for value in flat(encode(facts)).values())


def exit_code(record: RunRecord) -> int:
    """Return 0 for a run that did its work, came to a stop for a person, or found nothing to do; 1 for the others."""
    bad = record.verdict is Verdict.FAIL or record.status in (Status.FAILED, Status.UNKNOWN, Status.CANCELLED, Status.UNDONE)
    return 1 if bad else 0


def show_plan(app: App, forecast: Forecast) -> None:
    """Print a forecast, and what a person would be asked."""
    at = call.now(app.site)
    call.show(screens.plan(forecast.routine, [_screen(task) for task in forecast.tasks], at))
    if forecast.envelope:
        call.say(f"\n{envelope(forecast.envelope)}".rstrip("\n"))


def _screen(task: TaskRecord) -> screens.Forecast:
    empty = Plan(task.id, clock.now())
    return screens.Forecast(
        task.plan or empty, task.forecast, task.budget, task.because, task.bracket, task.estimates, task.rehearsed
    )


def _agreed(routine: str) -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and typer.confirm(f"Run {routine}?", default=False)


def _next(record: RunRecord, waiting: str | None) -> str:
    if waiting:
        return f"mainstay sign {record.id} {waiting} --remark TEXT"
    if record.watched.reopened and not record.settled:
        return record.watched.next
    if record.ended and owed.reason(record):
        return state.owes(record, alive=False)[1]
    return f"mainstay report {record.id}" if record.ended else f"mainstay resume {record.id}"
