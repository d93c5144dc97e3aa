"""A day, a week or any other span as people read it, from stored runs only: nothing is run or asked again to write it."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstay.model.because import Finding, Level
from mainstay.model.emergency import Emergency
from mainstay.model.goals import Goal
from mainstay.model.run import RunRecord, Status, TaskRecord, Verdict
from mainstay.model.task import Category
from mainstay.model.units import Duration
from mainstay.report.document import plural
from mainstay.report.incidents import Incidents, incidents
from mainstay.report.incidents import deviations as incident_deviations
from mainstay.report.past import Series, durations, related, sizes
from mainstay.report.quantity import moment, shown
from mainstay.report.run import Act, Deviation, Left, RunReport, build
from mainstay.report.times import PERIODS, Spent, missed, spent

GROWN = 0.25  # from here on a median duration counts as having changed


@dataclass(frozen=True)
class Due:
    """When a routine was last due, as the schedule says."""

    routine: str
    at: datetime


@dataclass(frozen=True)
class Scope:
    """What a digest is about: its title, the routines that were due, one category of tasks or all.

    quiet        let the digest be silent when nothing was changed and nothing deviates
    head         the head of the journal's chain, to be printed
    cadences     the cadence of each routine that has one, and the goals of each cadence
    emergencies  those that are known
    """

    title: str = "Report"
    due: tuple[Due, ...] = ()
    category: Category | None = None
    quiet: bool = False
    head: str = ""
    cadences: Mapping[str, str] = field(default_factory=dict)
    goals: Mapping[str, Goal] = field(default_factory=dict)
    emergencies: tuple[Emergency, ...] = ()


@dataclass(frozen=True)
class RoutineLine:
    """One routine in the span: how often it ran and how that ended; `before` is the median duration of earlier runs."""

    name: str
    runs: int
    passed: int
    degraded: int
    failed: int
    last: datetime | None
    due: datetime | None
    median: Duration | None
    before: Duration | None
    overdue: bool


@dataclass(frozen=True)
class ActLine:
    """One action of one task over the span."""

    task: str
    action: str
    objects: int
    times: int
    changed: int
    failed: int
    median: Duration | None


@dataclass(frozen=True)
class LeftLine:
    """One reason for which a task left something alone over the span: how often, and of what."""

    task: str
    status: Status
    why: str
    times: int
    objects: tuple[str, ...]


@dataclass(frozen=True)
class SeenLine:
    """What the latest look of a check found to be in order, and told all the same."""

    task: str
    at: datetime | None
    finding: Finding


@dataclass(frozen=True)
class RunLine:
    """One run of the span, for the list."""

    id: str
    routine: str
    launched_by: str
    began: datetime
    took: Duration
    status: Status
    verdict: Verdict | None
    why: str
    changed: int


@dataclass(frozen=True)
class Digest:
    """A span, told. `silent` says that nothing happened that anybody asked to be told."""

    title: str
    since: datetime
    until: datetime
    made_at: datetime
    head: str
    category: Category | None
    silent: bool
    deviations: tuple[Deviation, ...]
    routines: tuple[RoutineLine, ...]
    runs: tuple[RunLine, ...]
    done: tuple[ActLine, ...]
    left: tuple[LeftLine, ...]
    failing: tuple[Finding, ...]
    durations: tuple[Series, ...]
    sizes: tuple[Series, ...]
    times: tuple[Spent, ...] = ()
    incidents: Incidents = field(default_factory=Incidents)
    seen: tuple[SeenLine, ...] = ()


def digest(runs: Sequence[RunRecord], since: datetime, until: datetime, now: datetime, scope: Scope | None = None) -> Digest:
    """Fold the runs that began in the span; earlier ones among `runs` serve for comparison."""
    scope = scope or Scope()
    known = sorted((_narrowed(run, scope.category) for run in runs), key=lambda run: run.began)
    known = [run for run in known if run.tasks or run.checks or not scope.category]
    inside = [run for run in known if since <= run.began < until]
    reports = [build(run, known, now) for run in inside]
    routines = tuple(_routine(name, known, since, until, scope.due) for name in _names(inside, scope.due))
    latest_looks = _latest(inside)
    failing = tuple(_failing(latest_looks))
    took = tuple(spent(inside, scope.cadences, scope.goals, now))
    open_ = incidents(scope.emergencies if not scope.category else (), since, until, now)
    deviations = (
        *incident_deviations(open_),
        *_late(routines, now),
        *_over(took),
        *(one for report in reports for one in _deviations(report)),
        *_seen(failing),
    )
    latest = {run.routine: run for run in inside}
    return Digest(
        title=scope.title,
        since=since,
        until=until,
        made_at=now,
        head=scope.head,
        category=scope.category,
        silent=scope.quiet and not deviations and not any(_changed(report.done) for report in reports),
        deviations=tuple(sorted(deviations, key=lambda one: -one.level)),
        routines=routines,
        runs=tuple(run_line(run, now) for run in reversed(inside)),
        done=tuple(_acts([act for report in reports for act in report.done])),
        left=tuple(_left([left for report in reports for left in report.left])),
        failing=failing,
        durations=tuple(series for run in latest.values() for series in durations(run, related(run, known))),
        sizes=tuple(series for run in latest.values() for series in sizes(run, related(run, known))),
        times=took,
        incidents=open_,
        seen=tuple(_in_order(latest_looks)),
    )


def _narrowed(run: RunRecord, category: Category | None) -> RunRecord:
    def wanted(tasks: Iterable[TaskRecord]) -> tuple[TaskRecord, ...]:
        return tuple(task for task in tasks if category in (None, task.category))

    return replace(run, tasks=wanted(run.tasks), checks=wanted(run.checks))


def _names(inside: Sequence[RunRecord], due: Sequence[Due]) -> list[str]:
    return list(dict.fromkeys([*(one.routine for one in due), *(run.routine for run in inside)]))


def _routine(name: str, known: Sequence[RunRecord], since: datetime, until: datetime, due: Sequence[Due]) -> RoutineLine:
    ran = [run for run in known if run.routine == name and run.began < until]
    inside = [run for run in ran if run.began >= since]
    verdicts = Counter(run.verdict for run in inside)
    expected = max((one.at for one in due if one.routine == name and one.at < until), default=None)
    last = ran[-1].began if ran else None
    return RoutineLine(
        name=name,
        runs=len(inside),
        passed=verdicts[Verdict.PASS],
        degraded=verdicts[Verdict.DEGRADED],
        failed=verdicts[Verdict.FAIL],
        last=last,
        due=expected,
        median=_median(inside),
        before=_median([run for run in ran if run.began < since]),
        overdue=expected is not None and (last is None or last < expected),
    )


def _median(runs: Sequence[RunRecord]) -> Duration | None:
    took = [run.took for run in runs if run.took is not None]
    return Duration(statistics.median(took)) if took else None


def _late(routines: Iterable[RoutineLine], now: datetime) -> Iterator[Deviation]:
    for one in routines:
        if one.overdue and one.due:
            ran = f"last ran {moment(one.last, now)}" if one.last else "never ran"
            yield Deviation(Level.CRITICAL, one.name, f"was due {moment(one.due, now)} and {ran}", f"mainstay run {one.name}")
        if one.median and one.before and one.median > one.before * (1 + GROWN):
            yield Deviation(Level.WARNING, one.name, f"took {one.median}, {one.before} before")


def _over(times: Iterable[Spent]) -> Iterator[Deviation]:
    """Yield the goals of maintenance time that were missed, each with the longest period."""
    for one in times:
        for what, took, goal in (
            ("at work", one.longest, one.goal.active),
            ("downtime", one.longest_downtime, one.goal.downtime),
        ):
            if missed(took, goal):
                period = PERIODS[one.cadence]
                text = (
                    f"{shown(took, 's')} {what} in one {period}, the goal is below {goal}; missed in {plural(one.over, period)}"
                )
                yield Deviation(Level.WARNING, f"{one.cadence} maintenance", text)


def _deviations(report: RunReport) -> list[Deviation]:
    """Leave findings out: what a check still sees is told once, as it was last seen. A run that did not pass is always told."""
    seen = {str(finding.because) for finding in report.findings}
    told = [one for one in report.deviations if one.text not in seen]
    if not told and report.deviations and report.verdict is not Verdict.PASS:
        told = [Deviation(report.deviations[0].level, report.routine, report.why or f"ended {report.status}")]
    return [replace(one, text=f"{one.text} [{report.id}]") for one in told]


def _latest(inside: Sequence[RunRecord]) -> list[TaskRecord]:
    latest: dict[str, TaskRecord] = {}
    for run in inside:
        latest.update({task.id: task for task in (*run.tasks, *run.checks)})
    return list(latest.values())


def _failing(looks: Iterable[TaskRecord]) -> Iterator[Finding]:
    found = [finding for task in looks for finding in task.findings if finding.level > Level.OK]
    yield from sorted(found, key=lambda finding: -finding.level)


def _in_order(looks: Iterable[TaskRecord]) -> Iterator[SeenLine]:
    for task in looks:
        yield from (SeenLine(task.id, task.ended, one) for one in task.findings if one.level is Level.OK)


def _seen(failing: Iterable[Finding]) -> Iterator[Deviation]:
    for one in failing:
        yield Deviation(one.level, one.on, str(one.because), one.advice)


def _changed(acts: Iterable[Act]) -> int:
    return sum(act.status is Status.CHANGED for act in acts)


def run_line(run: RunRecord, now: datetime) -> RunLine:
    """Tell a run in a line."""
    took = run.took or Duration((now - run.began).total_seconds())
    changed = sum(record.status is Status.CHANGED and not record.undo_of for task in run.tasks for record in task.steps)
    return RunLine(run.id, run.routine, run.launched_by, run.began, took, run.status, run.verdict, run.because, changed)


def _acts(acts: Sequence[Act]) -> Iterator[ActLine]:
    grouped: dict[tuple[str, str], list[Act]] = {}
    for act in acts:
        grouped.setdefault((act.task, act.action), []).append(act)
    for (task, action), group in grouped.items():
        took = [act.took for act in group if act.took is not None]
        failed = sum(act.status in (Status.FAILED, Status.UNKNOWN) for act in group)
        median = Duration(statistics.median(took)) if took else None
        yield ActLine(task, action, len({act.on for act in group}), len(group), _changed(group), failed, median)


def _left(all_left: Sequence[Left]) -> Iterator[LeftLine]:
    """Group by task and by which limit decided, so that a figure that differs from day to day makes no line of its own."""
    grouped: dict[tuple[str, Status, str], list[Left]] = {}
    for left in all_left:
        limit = (left.because.fact, left.because.op, left.because.param) if left.because else ()
        grouped.setdefault((left.task, left.status, " ".join(limit) or left.why), []).append(left)
    for (task, status, _), group in grouped.items():
        yield LeftLine(task, status, group[-1].why, len(group), tuple(dict.fromkeys(left.on for left in group if left.on)))
