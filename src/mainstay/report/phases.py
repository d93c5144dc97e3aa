"""The phases of a run, plan against actual: one timeline for the terminal and for the page, also while the run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from mainstay.model.phase import PhaseRecord
from mainstay.model.run import RunRecord, Status, TaskRecord
from mainstay.model.units import Duration
from mainstay.report import charts, marks
from mainstay.report.document import Cell, Figure, Section, Tone, table

STRETCH = 14  # letters of a course: as wide as its heading
NOTED = timedelta(minutes=1)  # a phase that is late or early by less is on time
_PASSED = frozenset({Status.OK, Status.CHANGED})
_OPEN = frozenset({Status.PENDING, Status.RUNNING, Status.WAITING})
_TONES: dict[Status, Tone] = {Status.RUNNING: "info", Status.CHANGED: "good", Status.PENDING: ""}


@dataclass(frozen=True)
class PhaseLine:
    """A phase: when it was to begin and to end, when it did, and how it stands: as the first of its tasks that has not passed.

    late  how much later than planned it ended, or stands now; less than 0 is early
    """

    name: str
    tasks: tuple[str, ...]
    status: Status
    begins: datetime
    ends: datetime
    began: datetime | None
    ended: datetime | None
    late: Duration


def lines(run: RunRecord, now: datetime) -> tuple[PhaseLine, ...]:
    """Return the phases of a run as they stand."""
    return tuple(_line(run, phase, run.ended or now) for phase in run.phases)


def section(found: Sequence[PhaseLine], began: datetime, now: datetime) -> Section | None:
    """Draw the phases over a clock: the pale ground is the plan, the bar what happened."""
    if not found:
        return None
    ends = [one.ended or (now if one.began else one.ends) for one in found]
    first = min(began, found[0].begins)
    last = max([*ends, *(one.ends for one in found), first + timedelta(seconds=1)])
    span = first.astimezone(now.tzinfo), last.astimezone(now.tzinfo)
    rows = [_row(one, span, now) for one in found]
    numbers = table(("phase", "plan", "actual", f"{span[0]:%H:%M} to {span[1]:%H:%M}", "#timing", "status"), rows)
    lanes = [_lane(one, now) for one in found]
    title = "Phases, plan against actual"
    lede = "The pale ground is the plan, the bar what happened; on a terminal ╌ is the plan, ━ what happened."
    return Section("Phases", (Figure(title, partial(charts.timeline, lanes, span, title), numbers),), lede)


def _row(one: PhaseLine, span: tuple[datetime, datetime], now: datetime) -> tuple[Cell, ...]:
    plan, actual = _clock(one.begins, one.ends, now), _actual(one, now)
    late = Cell(_lateness(one), "warn" if one.late > NOTED.total_seconds() else "muted")
    drawn = Cell(_stretch(one, span, now), "muted")
    return (Cell(one.name), Cell(plan), Cell(actual), drawn, late, marks.status_word(one.status))


def _line(run: RunRecord, phase: PhaseRecord, now: datetime) -> PhaseLine:
    tasks = [task for task in run.tasks if task.id in phase.tasks and not task.bracket]
    ends = [task.ended for task in tasks if task.ended]
    ended = max(ends) if phase.began and len(ends) == len(tasks) else None
    late = (ended or max(now, phase.ends)) - phase.ends if phase.began else max(now - phase.begins, timedelta(0))
    status = _status(tasks) if phase.began else _never(tasks)
    late = late if phase.began or status in _OPEN else timedelta(0)
    return PhaseLine(
        phase.name, phase.tasks, status, phase.begins, phase.ends, phase.began, ended, Duration(late.total_seconds())
    )


def _status(tasks: Sequence[TaskRecord]) -> Status:
    stands = [task.status for task in tasks]
    bad = next((one for one in stands if one not in _PASSED and one not in _OPEN), None)
    if Status.WAITING in stands or Status.UNKNOWN in stands:
        return Status.WAITING if Status.WAITING in stands else Status.UNKNOWN
    if any(one in _OPEN for one in stands):
        return bad or Status.RUNNING
    return bad or (Status.CHANGED if Status.CHANGED in stands else Status.OK)


def _never(tasks: Sequence[TaskRecord]) -> Status:
    """A phase that did not begin waits for its turn, or its tasks were left out."""
    return next((task.status for task in tasks if task.status not in _OPEN), Status.PENDING)


def _clock(began: datetime, ended: datetime | None, now: datetime) -> str:
    return f"{began.astimezone(now.tzinfo):%H:%M}–" + (f"{ended.astimezone(now.tzinfo):%H:%M}" if ended else "")


def _actual(one: PhaseLine, now: datetime) -> str:
    return _clock(one.began, one.ended, now) if one.began else "–"


def _lateness(one: PhaseLine) -> str:
    if abs(one.late) < NOTED.total_seconds():
        return "on time" if one.began else ""
    minutes = Duration(round(abs(one.late) / 60) * 60)
    return f"{minutes} {'late' if one.late > 0 else 'early'}"


def _stretch(one: PhaseLine, span: tuple[datetime, datetime], now: datetime) -> str:
    """Draw plan and actual as a line of letters, for where there are no pictures."""
    letters = ["·"] * STRETCH
    for began, ended, letter in ((one.begins, one.ends, "╌"), (one.began, one.ended or now, "━")):
        if began:
            first = min(_place(began, span), STRETCH - 1)
            last = max(_place(ended, span), first + 1)
            letters[first:last] = letter * (last - first)
    return "".join(letters[:STRETCH])


def _place(at: datetime, span: tuple[datetime, datetime]) -> int:
    whole = (span[1] - span[0]).total_seconds()
    return min(max(round(STRETCH * (at - span[0]).total_seconds() / whole), 0), STRETCH)


def _lane(one: PhaseLine, now: datetime) -> charts.Lane:
    tone = _TONES.get(one.status, "bad" if one.status is Status.FAILED else "warn") or "info"
    plan = _clock(one.begins, one.ends, now)
    title = f"{one.name}: planned {plan}, was {_actual(one, now)}"
    bars = (charts.Bar(one.began, one.ended or now, tone, title),) if one.began else ()
    note = " · ".join(part for part in (plan, _lateness(one), str(one.status)) if part)
    return charts.Lane(one.name, note, (one.begins, one.ends), bars)
