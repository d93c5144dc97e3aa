"""One run as people read it: every format renders this structure, and nothing that is not in it.

All of it is folded from the records; times stay in UTC and are shown in the zone of `now`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstay.model.because import Because, Finding, Level, Unit
from mainstay.model.plan import Envelope, Impact, OneWay, Skip, shown
from mainstay.model.run import Remark, RunRecord, Status, StepRecord, TaskRecord, Verdict, Watched
from mainstay.model.units import Duration, Share, Size
from mainstay.report import compare, quantity
from mainstay.report.compare import Delta
from mainstay.report.past import NO_FIGURES, History, Series, courses, durations, related, sizes
from mainstay.report.phases import PhaseLine
from mainstay.report.phases import lines as phase_lines

NEAR = 0.8  # of its budget: from here on a task is reported as running out of time
DONE = {Status.OK, Status.CHANGED, Status.FAILED, Status.UNDONE, Status.UNKNOWN, Status.RUNNING, Status.CANCELLED}
TAKEN_BACK = {Status.OK, Status.CHANGED, Status.UNDONE}  # how an undo that worked ends
BAD = {Status.FAILED: Level.CRITICAL, Status.UNKNOWN: Level.UNKNOWN, Status.UNDONE: Level.WARNING}


@dataclass(frozen=True)
class Act:
    """One step that was started: what, on what, why, and what became of it."""

    task: str
    step: str
    action: str
    on: str
    status: Status
    impact: Impact
    why: str
    because: Because | None = None
    now: str = ""  # the fact that decided, as it is afterwards
    said: str = ""  # why it failed, or what is to be known
    output: str = ""  # what its processes printed, as far as the journal keeps it
    began: datetime | None = None
    ended: datetime | None = None
    took: Duration | None = None
    one_way: str = ""  # why it is acceptable that it cannot be taken back
    undo_of: str = ""
    bracket: bool = False  # it had to be taken back in any case


@dataclass(frozen=True)
class Left:
    """One thing that was looked at, or planned, and not done."""

    task: str
    on: str
    status: Status
    why: str
    because: Because | None = None

    @classmethod
    def alone(cls, task: str, skip: Skip) -> Left:
        """Return what a task decided to leave alone, or could not do."""
        return cls(task, shown(skip.on), Status.FAILED if skip.fails else Status.SKIPPED, str(skip.because), skip.because)


@dataclass(frozen=True)
class TaskLine:
    """One task: how it stands and how long it took against forecast and budget. `used` is the share of the budget."""

    id: str
    target: str
    kind: str
    category: str
    task_class: str
    status: Status
    impact: Impact
    why: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    took: Duration | None = None
    forecast: Duration | None = None
    budget: Duration | None = None
    used: Share | None = None
    bracket: bool = False


@dataclass(frozen=True)
class Measured:
    """One figure of what a step worked on, before and after it. `stored` are bytes on disk: less of them is reclaimed."""

    task: str
    on: str
    name: str
    before: float
    after: float
    unit: Unit
    stored: bool = False


@dataclass(frozen=True)
class Bracket:
    """What was closed to somebody, and for how long; `closed` is None while it still is."""

    task: str
    on: str
    opened: datetime
    closed: datetime | None
    open_for: Duration


@dataclass(frozen=True)
class Deviation:
    """What a reader must not miss."""

    level: Level
    on: str
    text: str
    advice: str = ""


@dataclass(frozen=True)
class RunReport:
    """A run, told. Deviations and findings have the worst first."""

    id: str
    routine: str
    launched_by: str
    attended: bool
    status: Status
    verdict: Verdict | None
    why: str
    began: datetime
    ended: datetime | None
    took: Duration
    settled: bool
    made_at: datetime
    head: str
    deviations: tuple[Deviation, ...]
    tasks: tuple[TaskLine, ...]
    done: tuple[Act, ...]
    undone: tuple[Act, ...]
    left: tuple[Left, ...]
    comparisons: tuple[Delta, ...]
    unchanged: int
    findings: tuple[Finding, ...]
    brackets: tuple[Bracket, ...]
    remarks: tuple[Remark, ...]
    envelope: Envelope | None
    durations: tuple[Series, ...]
    sizes: tuple[Series, ...]
    measures: tuple[Measured, ...] = ()
    reclaimed: Size | None = None
    trends: tuple[Series, ...] = ()
    watched: Watched = field(default_factory=Watched)
    rolled_back: bool = False
    phases: tuple[PhaseLine, ...] = ()
    rollback: Duration = Duration(0)


def build(
    run: RunRecord, previous: Sequence[RunRecord], now: datetime, head: str = "", figures: Mapping[str, History] = NO_FIGURES
) -> RunReport:
    """Fold one run, and what earlier runs tell about it, into a report.

    `head` is that of the journal's chain, `figures` the history of the targets' figures by name, by target.
    """
    earlier = related(run, previous)
    acts = [_act(task, record) for task in run.tasks for record in task.steps if record.status in DONE]
    deltas, measured = _compared(run, earlier), tuple(_measured(run))
    report = RunReport(
        id=run.id,
        routine=run.routine,
        launched_by=run.launched_by,
        attended=run.attended,
        status=run.status,
        verdict=run.verdict,
        why=run.because,
        began=run.began,
        ended=run.ended,
        took=run.took or Duration((now - run.began).total_seconds()),
        settled=run.settled,
        made_at=now,
        head=head,
        deviations=(),
        tasks=tuple(_line(task) for task in run.tasks),
        done=tuple(act for act in acts if not act.undo_of),
        undone=tuple(act for act in acts if act.undo_of and (act.task, act.undo_of) not in _obligations(run)),
        left=tuple(left for task in run.tasks for left in _left(task, run.ended is not None)),
        comparisons=tuple(delta for delta in deltas if delta.before != delta.after or delta.outlier),
        unchanged=sum(delta.before == delta.after and not delta.outlier for delta in deltas),
        findings=_found(run),
        brackets=tuple(bracket for task in run.tasks for bracket in _brackets(task, run.ended or now)),
        remarks=run.remarks,
        envelope=run.envelope,
        durations=durations(run, earlier),
        sizes=sizes(run, earlier),
        measures=measured,
        reclaimed=_reclaimed(measured),
        watched=run.watched,
        rolled_back=run.rolled_back,
    )
    report = replace(report, phases=phase_lines(run, now), rollback=run.rollback, trends=courses(run, figures))
    return replace(report, deviations=(*_ordered(report), *_before(run)))


def _found(run: RunRecord) -> tuple[Finding, ...]:
    return tuple(sorted((finding for task in _looks(run) for finding in task.findings), key=lambda one: -one.level))


def _looks(run: RunRecord) -> tuple[TaskRecord, ...]:
    return run.tasks + run.checks


def _obligations(run: RunRecord) -> set[tuple[str, str]]:
    return {(task.id, record.step.id) for task in run.tasks for record in task.steps if record.step.is_bracket}


def _act(task: TaskRecord, record: StepRecord) -> Act:
    step = record.step
    return Act(
        task=task.id,
        step=step.id,
        action=step.action,
        on=shown(step.on),
        status=record.status,
        impact=step.impact,
        why=str(step.because),
        because=step.because,
        now=_now(record),
        said=record.because,
        output=record.output,
        began=record.began,
        ended=record.ended,
        took=record.took,
        one_way=step.reverse.one_way if isinstance(step.reverse, OneWay) else "",
        undo_of=record.undo_of,
        bracket=step.is_bracket,
    )


def _now(record: StepRecord) -> str:
    """Look for the fact that decided in what was seen afterwards; it is named there only if exactly one fact ends in its name."""
    name, before = record.step.because.fact, record.step.because.value
    seen = [value for fact, value in compare.flat(record.after).items() if fact.rpartition(".")[2] == name]
    unit = record.step.because.unit or quantity.unit_of(name)
    return f"now {quantity.shown(seen[0], unit)}" if len(seen) == 1 and seen[0] != before else ""


def _left(task: TaskRecord, ended: bool) -> Iterator[Left]:
    if task.status not in DONE and (ended or task.status is not Status.PENDING):
        yield Left(task.id, "", task.status, task.because or "never started")
    if task.plan:
        yield from (Left.alone(task.id, skip) for skip in _skips(task))
    for record in task.steps:
        if record.status not in DONE:
            why = record.because or str(record.step.because)
            yield Left(task.id, f"{record.step.action} {shown(record.step.on)}", record.status, why)
    if ended and task.plan:
        begun = {record.step.id for record in task.steps}
        for step in (step for step in task.plan.steps if step.id not in begun):
            yield Left(task.id, f"{step.action} {shown(step.on)}", Status.PENDING, task.because or "never started", step.because)


def _skips(task: TaskRecord) -> tuple[Skip, ...]:
    return task.plan.skips if task.plan else ()


def _line(task: TaskRecord) -> TaskLine:
    return TaskLine(
        id=task.id,
        target=task.target,
        kind=task.kind,
        category=task.category,
        task_class=task.task_class,
        status=task.status,
        impact=max([record.step.impact for record in task.steps] + [task.plan.impact if task.plan else Impact.NONE]),
        why=task.because,
        began=task.began,
        ended=task.ended,
        took=task.took,
        forecast=task.forecast,
        budget=task.budget,
        used=Share(task.took / task.budget) if task.took is not None and task.budget else None,
        bracket=task.bracket,
    )


def _brackets(task: TaskRecord, now: datetime) -> Iterator[Bracket]:
    closed = {record.undo_of: record.ended for record in task.steps if record.undo_of and record.status in TAKEN_BACK}
    for record in task.steps:
        if record.step.is_bracket and record.began and not record.undo_of:
            end = closed.get(record.step.id)
            open_for = Duration(((end or now) - record.began).total_seconds())
            yield Bracket(task.id, shown(record.step.on), record.began, end, open_for)


def _compared(run: RunRecord, earlier: Sequence[RunRecord]) -> list[Delta]:
    past = compare.history(earlier)

    checks = [compare.judged(one, past.get((one.of, one.fact), ()), meant=False) for one in compare.of_checks(run)]
    return checks + [compare.judged(one, past.get((one.of, one.fact), ()), meant=True) for one in compare.of_steps(run)]


def _ordered(report: RunReport) -> tuple[Deviation, ...]:
    """Return what a reader must not miss, the worst first; a verdict that nothing else explains is a deviation itself."""
    found = sorted(_deviations(report), key=lambda one: -one.level)
    if not found and report.verdict in (Verdict.DEGRADED, Verdict.FAIL):
        found = [Deviation(_severity(report.verdict), report.routine, report.why or "no reason was recorded")]
    return tuple(found)


def _before(run: RunRecord) -> Iterator[Deviation]:
    """Tell what was wrong before anything was done: nothing of it is the doing of this run."""
    for check in run.checks_before:
        for finding in check.findings:
            if finding.level >= Level.CRITICAL:
                yield Deviation(Level.WARNING, check.id, f"before the run: {finding.on}: {finding.because}")


def _deviations(report: RunReport) -> Iterator[Deviation]:
    if report.watched.reopened:
        yield Deviation(Level.CRITICAL, report.routine, report.why, report.watched.next)
    for line in report.tasks:
        if line.status in BAD and not (line.bracket and line.status is Status.UNDONE):
            yield Deviation(BAD[line.status], line.id, f"{line.status}: {line.why or 'no reason was recorded'}")
        if line.used is not None and line.budget is not None and line.used >= NEAR:
            over = f"took {line.took}, {line.used} of its budget of {line.budget}"
            yield Deviation(Level.CRITICAL if line.used > 1 else Level.WARNING, line.id, over)
    back = Duration(sum(act.took or 0 for act in report.undone))
    if report.rollback and back > report.rollback:
        yield Deviation(Level.WARNING, "rollback", f"took {back}, more than the {report.rollback} that it may")
    for phase in report.phases:
        if phase.began and phase.late >= 60 and (phase.ended or not report.ended):
            yield Deviation(Level.WARNING, f"phase {phase.name}", f"{phase.late} later than planned")
    for bracket in report.brackets:
        if bracket.closed is None and report.ended:
            text = f"{bracket.on} was not opened again".strip()
            yield Deviation(Level.CRITICAL, bracket.task, text, f"mainstay resume {report.id}")
    for act in report.undone:
        if act.status not in TAKEN_BACK:
            yield Deviation(
                Level.CRITICAL, act.task, f"taking back {act.on} ended {act.status}: {act.said or 'no reason was recorded'}"
            )
    for finding in report.findings:
        if finding.level > Level.OK:
            yield Deviation(finding.level, finding.on, str(finding.because), finding.advice)
    for delta in report.comparisons:
        if delta.outlier and delta.usual is not None:  # without history nobody can tell a deviation from an effect
            before, after = quantity.shown(delta.before, delta.unit), quantity.shown(delta.after, delta.unit)
            text = f"{delta.fact} {before} → {after} ({delta.why})"
            yield Deviation(Level.WARNING, delta.of, text)


def _measured(run: RunRecord) -> Iterator[Measured]:
    """List the figures that changed; of several steps on one object, the first look and the last."""
    found: dict[tuple[str, str], Measured] = {}
    for task in run.tasks:
        for record in task.steps:
            for one in record.measures:
                first = found.get((task.target, one.name))
                before = first.before if first else one.before
                now = Measured(task.id, shown(record.step.on), one.name, before, one.after, one.unit, one.stored)
                found[task.target, one.name] = now
    yield from (one for one in found.values() if one.before != one.after)


def _reclaimed(measured: Sequence[Measured]) -> Size | None:
    stored = [one.before - one.after for one in measured if one.stored]
    return Size(round(sum(stored))) if stored else None


def _severity(verdict: Verdict | None) -> Level:
    return Level.CRITICAL if verdict is Verdict.FAIL else Level.WARNING
