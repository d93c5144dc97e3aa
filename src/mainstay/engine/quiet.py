"""Is there little traffic: asked before a scheduled run starts, and waited for as long as the routine says."""

from __future__ import annotations

from mainstay.engine import observe
from mainstay.engine.context import Context
from mainstay.engine.drive import Drive
from mainstay.ledger import events
from mainstay.model.because import Because, because
from mainstay.model.errors import MainstayError, Refused
from mainstay.model.task import Quiet
from mainstay.model.units import Duration
from mainstay.system import clock

_EVERY = 15.0  # seconds between two looks
_POLL = 0.5  # seconds between two looks for the wish to stop


def wait_for_quiet(drive: Drive, left: Duration) -> None:
    """Return when there is little traffic, or the routine goes on all the same; Refused when it is put off.

    `left` is what the slot still has: nobody waits for longer.
    """
    asked = drive.routine.quiet
    if asked is None or (busy := _busy(drive.context, asked)) is None:
        return None
    began, most = clock.monotonic(), min(asked.wait, left)
    while (waited := clock.monotonic() - began) < most:
        _sleep(drive, min(_EVERY, most - waited))
        if _busy(drive.context, asked) is None:
            return _note(drive, f"{Duration(clock.monotonic() - began)} until it was quiet: {busy}")
    if asked.otherwise == "postpone":
        waited_for = f"waited {Duration(waited)}: " if asked.wait else ""
        raise Refused("there is too much traffic", on=drive.routine.name, because=f"{waited_for}{busy}", next="it is tried again")
    return _note(drive, f"{Duration(waited)} and went on all the same: {busy}")


def _busy(context: Context, asked: Quiet) -> Because | None:
    """Return why it is not quiet, or None; Refused where nobody can tell."""
    try:
        value = float(observe.ask(context, asked.target, asked.query) if asked.query else _figure(context, asked))
    except (MainstayError, TypeError, ValueError) as error:
        raise Refused("nobody can tell how much traffic there is", on=asked.target, because=str(error)) from error
    if value <= asked.at_most:
        return None
    return because(asked.figure or "traffic", value, ">", asked.at_most, "quiet.at_most").at(asked.origin)


def _figure(context: Context, asked: Quiet) -> float:
    task = observe.check_of(context, asked.target)
    figures = observe.check(context, task).figures if task else ()
    known = {figure.name: figure.value for figure in figures}
    if asked.figure not in known:
        raise ValueError(f"its check has no figure {asked.figure!r}; it has {', '.join(sorted(known)) or 'none'}")
    return known[asked.figure]


def _sleep(drive: Drive, seconds: float) -> None:
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        if drive.stop():
            raise Refused("stopped", on=drive.routine.name, because="it was cancelled while it waited for little traffic")
        clock.sleep(min(_POLL, left))


def _note(drive: Drive, text: str) -> None:
    drive.write(events.RUN_WAITED, {"by": "mainstay", "text": text})
