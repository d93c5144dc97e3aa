"""An emergency as it is told afterwards: its timeline, what users noticed, what was done, and what is left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from mainstay.ledger import events
from mainstay.ledger.events import Event
from mainstay.model.because import Finding, Level, Unit
from mainstay.model.emergency import Emergency, Evidence, Seen
from mainstay.model.figure import Point, Series
from mainstay.model.plan import shown
from mainstay.model.run import RunRecord, Status
from mainstay.model.units import Duration
from mainstay.report.document import Tone
from mainstay.report.marks import verdict_word
from mainstay.report.past import thinned

BEFORE = timedelta(hours=1)  # of the timeline
FIGURES = 8  # that moved most
MOVED = 0.05  # a figure that moved less than this share of itself tells nothing
_MODES = {events.EMERGENCY_MODE_ON: "on", events.EMERGENCY_MODE_OFF: "off"}
_OTHERS = ("notice.", "alert.", "blackout.", "mode.", "checklist.")
_TONES: dict[Status, Tone] = {Status.CHANGED: "good", Status.UNDONE: "warn", Status.FAILED: "bad", Status.UNKNOWN: "bad"}


@dataclass(frozen=True)
class Line:
    """One line of the timeline."""

    at: datetime
    what: str
    text: str = ""
    who: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Moved:
    """One figure: as it usually was before, the value during the emergency that was farthest from that, and the last after it."""

    target: str
    name: str
    unit: Unit
    before: float
    during: float
    after: float | None
    points: tuple[Point, ...]

    @property
    def movement(self) -> float:
        """How far it moved, relative to the larger of the two values."""
        return abs(self.during - self.before) / (max(abs(self.before), abs(self.during)) or 1.0)


@dataclass(frozen=True)
class Action:
    """A step that changed something while it was open."""

    at: datetime
    run: str
    by: str
    task: str
    what: str
    why: str
    status: Status
    took: Duration | None


@dataclass(frozen=True)
class EmergencyReport:
    """One emergency, told from the journal. `red_at_first` and `red_at_last` are the looks of its first and last evidence."""

    emergency: Emergency
    made_at: datetime
    head: str
    respond: Duration
    lasted: Duration
    begun: Duration | None  # until somebody was at it: the first phase, note or act
    timeline: tuple[Line, ...]
    impact: tuple[Moved, ...]
    actions: tuple[Action, ...]
    red_at_first: tuple[Seen, ...]
    red_at_last: tuple[Seen, ...] | None


@dataclass(frozen=True)
class Around:
    """What the ledger holds about the time of an emergency; `respond` is how soon somebody had to be at it."""

    runs: Sequence[RunRecord]
    events: Sequence[Event]
    figures: Mapping[str, Mapping[str, Series]]
    respond: Duration
    head: str = ""


def build(found: Emergency, around: Around, now: datetime) -> EmergencyReport:
    """Tell an emergency."""
    actions = tuple(sorted(_actions(found, around.runs), key=lambda one: one.at))
    looks = [one for one in found.evidence if _is_whole(one)]
    return EmergencyReport(
        emergency=found,
        made_at=now,
        head=around.head,
        respond=around.respond,
        lasted=found.lasted(now),
        begun=_begun(found, actions),
        timeline=tuple(sorted(_lines(found, around), key=lambda one: one.at)),
        impact=_impact(found, around.figures),
        actions=actions,
        red_at_first=_red(looks[0]) if looks else (),
        red_at_last=_red(looks[-1]) if len(looks) > 1 else None,
    )


def linked(found: Emergency, started: Event) -> bool:
    """Tell whether a run belongs to an emergency: it names it, or it began while that was open."""
    named = str(started.body.get("emergency") or "")
    until = found.closed or started.at
    return found.id in named or found.opened <= started.at <= until


def _is_whole(one: Evidence) -> bool:
    """Tell the looks at the whole site from those before a single fix."""
    return one.why.startswith("the emergency was")


def _red(one: Evidence) -> tuple[Seen, ...]:
    """Leave of each look what is not in order; facts are too long to be read."""
    bad = (replace(seen, facts=None, figures=(), findings=_worse(seen)) for seen in one.looks)
    return tuple(seen for seen in bad if seen.findings)


def _worse(seen: Seen) -> tuple[Finding, ...]:
    return tuple(finding for finding in seen.findings if finding.level > Level.OK)


def _begun(found: Emergency, actions: Iterable[Action]) -> Duration | None:
    times = [one.at for one in found.said] + [one.at for one in actions]
    return Duration((min(times) - found.opened).total_seconds()) if times else None


def _lines(found: Emergency, around: Around) -> Iterator[Line]:
    yield Line(found.opened, f"opened as {found.severity}", found.reason, found.by, "bad")
    if found.told:
        yield Line(found.opened, "first notice", found.told, tone="info")
    for one in found.evidence:
        red = sum(bool(_worse(seen)) for seen in one.looks)
        yield Line(one.at, f"evidence kept: {red} of {len(one.looks)} looks not in order", one.why, tone="info")
    for said in found.said:
        what = f"phase {said.phase}" + (f", {said.owner} has it in hand" if said.owner else "") if said.phase else "note"
        yield Line(said.at, what, said.text, said.by, "info" if said.phase else "")
    for told in found.escalated:
        yield Line(
            told.at,
            f"escalated after {told.after}",
            ", ".join(f"{name}: {where}" for name, where in told.to.items()),
            tone="warn",
        )
    for event in (one for one in around.events if one.run == found.id and one.kind in _MODES):
        what = f"emergency mode {_MODES[event.kind]}"
        yield Line(event.at, what, ", ".join(event.body.get("modes", ())) or event.body.get("text", ""), event.body["by"], "warn")
    if found.closed:
        yield Line(found.closed, "closed", found.resolution, found.closed_by, "good")
    for left in found.follow_ups:
        if left.done:
            yield Line(left.done, f"follow-up {left.number} done", left.remark or left.text, left.by, "good")
    for run in around.runs:
        yield from _of_run(run)
    yield from (_other(event) for event in around.events if event.kind.startswith(_OTHERS))


def _of_run(run: RunRecord) -> Iterator[Line]:
    yield Line(run.began, f"{run.routine} started", run.id, run.launched_by)
    for task in run.tasks:
        for step in task.steps:
            if step.ended:
                what = f"{task.id}: {step.step.action} {shown(step.step.on)}"
                yield Line(
                    step.ended, f"{what}: {step.status}", step.because or str(step.step.because), tone=_TONES.get(step.status, "")
                )
        if task.ended and not task.steps and task.status in (Status.FAILED, Status.UNKNOWN, Status.DEFERRED):
            yield Line(task.ended, f"{task.id}: {task.status}", task.because, tone=_TONES.get(task.status, "warn"))
    for remark in (one for one in run.remarks if one.by != "mainstay"):
        yield Line(remark.at, f"{remark.act} {remark.on or run.routine}", remark.text, remark.by)
    if run.ended:
        word = verdict_word(run.verdict, run.status)
        yield Line(run.ended, f"{run.routine}: {word.text}", run.because, tone=word.tone)


def _other(event: Event) -> Line:
    text = next((str(event.body[key]) for key in ("subject", "text", "reason", "name") if event.body.get(key)), "")
    return Line(event.at, event.kind.replace(".", " "), text, str(event.body.get("by") or ""), "muted")


def _actions(found: Emergency, runs: Iterable[RunRecord]) -> Iterator[Action]:
    until = found.closed or datetime.max.replace(tzinfo=found.opened.tzinfo)
    for run in runs:
        for task in run.tasks:
            for step in task.steps:
                if step.began and found.opened <= step.began <= until:
                    what = f"{step.step.action} {shown(step.step.on)}"
                    why = step.because or str(step.step.because)
                    yield Action(step.began, run.id, run.launched_by, task.id, what, why, step.status, step.took)


def _impact(found: Emergency, figures: Mapping[str, Mapping[str, Series]]) -> tuple[Moved, ...]:
    moved = (_moved(found, target, one) for target, history in figures.items() for one in history.values())
    return tuple(sorted((one for one in moved if one and one.movement >= MOVED), key=lambda one: -one.movement)[:FIGURES])


def _moved(found: Emergency, target: str, series: Series) -> Moved | None:
    before = [value for at, value in series.points if at < found.opened]
    during = [value for at, value in series.points if at >= found.opened and (found.closed is None or at <= found.closed)]
    after = [value for at, value in series.points if found.closed and at > found.closed]
    if not before or not during:
        return None
    usual = median(before)
    farthest = max(during, key=lambda value: abs(value - usual))
    drawn = tuple(thinned(_near(found, series.points)))
    return Moved(target, series.name, series.unit, usual, farthest, after[-1] if after else None, drawn)


def _near(found: Emergency, points: Sequence[Point]) -> list[Point]:
    """Leave the points around it, so that it is wide enough to be seen."""
    last = found.closed or points[-1][0]
    margin = max(BEFORE, 2 * (last - found.opened))
    return [point for point in points if found.opened - margin <= point[0] <= last + margin]
