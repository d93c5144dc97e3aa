"""How long maintenance was at work, and how long users were without service meanwhile: two figures that are not the same.

At work is the time from the beginning of a task to its end, without the time for which it waited for a person; tasks that ran
side by side count once. Users are without service while a step is at work that causes an outage, and while a bracket is in force
that does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from mainstay.model.goals import Goal
from mainstay.model.plan import Impact
from mainstay.model.run import RunRecord, StepRecord, TaskRecord
from mainstay.model.units import Duration
from mainstay.report.run import TAKEN_BACK

Stretch = tuple[datetime, datetime]
PERIODS = {
    "continuous": "day",
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "quarterly": "quarter",
    "semiannual": "half-year",
    "yearly": "year",
}


@dataclass(frozen=True)
class Spent:
    """The time of all routines of one cadence over a span; the longest is that of one period, such as a day.

    over  in how many of the periods a goal was missed
    """

    cadence: str
    runs: int
    periods: int
    active: Duration
    longest: Duration
    downtime: Duration
    longest_downtime: Duration
    goal: Goal
    over: int


def spent(runs: Sequence[RunRecord], cadences: Mapping[str, str], goals: Mapping[str, Goal], now: datetime) -> Iterator[Spent]:
    """Fold the time of runs by the cadence of their routines; those without one are left out."""
    for cadence in (name for name in PERIODS if name in cadences.values()):
        if found := [run for run in runs if cadences.get(run.routine) == cadence]:
            yield _spent(cadence, found, goals.get(cadence, Goal()), now)


def active(run: RunRecord, now: datetime) -> Duration:
    """Return how long a run was at work."""
    return _length(_at_work(run, now))


def downtime(run: RunRecord, now: datetime) -> Duration:
    """Return how long users were without service because of a run."""
    return _length(stretch for task in run.tasks for stretch in _down(task, run.ended or now))


def _spent(cadence: str, runs: Sequence[RunRecord], goal: Goal, now: datetime) -> Spent:
    worked: dict[str, float] = {}
    down: dict[str, float] = {}
    for run in runs:
        period = _period(cadence, run.began, now.tzinfo)
        worked[period] = worked.get(period, 0) + active(run, now)
        down[period] = down.get(period, 0) + downtime(run, now)
    over = [one for one in worked if missed(worked[one], goal.active) or missed(down[one], goal.downtime)]
    return Spent(
        cadence,
        len(runs),
        len(worked),
        Duration(sum(worked.values())),
        Duration(max(worked.values())),
        Duration(sum(down.values())),
        Duration(max(down.values())),
        goal,
        len(over),
    )


def missed(value: float, goal: Duration | None) -> bool:
    """Tell whether a goal is missed: what takes as long as it is not below it."""
    return goal is not None and value >= goal


def _period(cadence: str, at: datetime, zone: tzinfo | None) -> str:
    """Name the period of a cadence in which something began, in the zone of the site."""
    local = at.astimezone(zone)
    forms = {"weekly": f"{local:%G-W%V}", "monthly": f"{local:%Y-%m}", "yearly": f"{local:%Y}"}
    parts = {"quarterly": 3, "semiannual": 6}
    if cadence in parts:
        return f"{local.year}-{(local.month - 1) // parts[cadence]}"
    return forms.get(cadence, f"{local:%Y-%m-%d}")


def _at_work(run: RunRecord, now: datetime) -> Iterator[Stretch]:
    """Yield when tasks were at work; a bracket is while it is opened and closed, and not while it is in force."""
    signed = {remark.on: remark.at for remark in run.remarks if remark.act == "signed"}
    for task in (*run.checks_before, *run.tasks, *run.checks):
        if task.bracket:
            yield from ((step.began, step.ended or run.ended or now) for step in task.steps if step.began)
        elif task.began:
            yield max(task.began, signed.get(task.id, task.began)), task.ended or run.ended or now


def _down(task: TaskRecord, now: datetime) -> Iterator[Stretch]:
    closed = {step.undo_of: step.ended for step in task.steps if step.undo_of and step.status in TAKEN_BACK}
    for step in task.steps:
        if step.began and step.step.impact is Impact.DOWNTIME:
            yield step.began, _end(step, closed) or now


def _end(step: StepRecord, closed: Mapping[str, datetime | None]) -> datetime | None:
    return closed.get(step.step.id) if step.step.is_bracket and not step.undo_of else step.ended


def _length(stretches: Iterable[Stretch]) -> Duration:
    """Return the length of stretches that may overlap."""
    total, until = 0.0, None
    for begin, end in sorted(stretches):
        start = begin if until is None else max(begin, until)
        total += max(0.0, (end - start).total_seconds())
        until = end if until is None else max(end, until)
    return Duration(total)
