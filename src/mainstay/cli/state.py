"""What `status` knows without looking: last looks, last runs, what is late, and the command that each open run waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mainstay.cli import notices
from mainstay.engine import agenda, owed
from mainstay.kinds import registry
from mainstay.ledger import drills, lessons
from mainstay.ledger.lessons import Lesson
from mainstay.ledger.memory import Memory
from mainstay.model.emergency import Emergency
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.model.task import Routine, Site, Slot
from mainstay.report import marks, standing
from mainstay.report.document import Cell, Document, Entries, Entry, Section, listed, plural, sections, table
from mainstay.report.quantity import ago, moment
from mainstay.schedule.agenda import Agenda
from mainstay.serve import standing as service
from mainstay.system import locks

_LOOK_BACK = (2, 9, 40, 400)  # days
BY_ITSELF = "mainstay settle"  # a timer does it, or the service: nobody is waited for
_ENOUGH = 10  # runs of a routine among which the newest complete one is looked for


@dataclass(frozen=True)
class RoutineState:
    """One routine: its newest complete run, when it was due, and whether it is late."""

    routine: str
    run: str = ""
    began: datetime | None = None
    status: Status | None = None
    verdict: Verdict | None = None
    due: datetime | None = None
    next: datetime | None = None
    overdue: bool = False


@dataclass(frozen=True)
class OpenRun:
    """A run of which something may still be owed, and the command that goes on with it."""

    run: str
    routine: str
    began: datetime
    status: Status
    alive: bool
    because: str
    next: str


@dataclass(frozen=True)
class State:
    """Everything that `status` shows."""

    site: str
    at: datetime
    targets: tuple[standing.Look, ...]
    routines: tuple[RoutineState, ...]
    open_runs: tuple[OpenRun, ...]
    notices: notices.NoticeState
    emergencies: tuple[Emergency, ...]
    left: tuple[Lesson, ...]
    service: service.Standing | None


def of(site: Site, now: datetime, category: str | None = None) -> State:
    """Read the state of a site from its memory; `category` leaves out targets of other categories."""
    memory = Memory(site.state)
    calendar = agenda.agenda(site, memory.journal, registry.load, (now - timedelta(days=_LOOK_BACK[-1]), now))
    routines = (routine_state(calendar, memory, routine, now) for routine in site.routines.values())
    runs = (open_run(site, record) for record in memory.unsettled())
    seen, burning = tuple(looks(site, memory, category)), tuple(memory.emergencies())
    told = notices.state(site, now, drills.newest(memory.journal).values())
    left = tuple(lessons.left(memory.journal))
    return State(site.name, now, seen, tuple(routines), tuple(runs), told, burning, left, service.read(site.state))


def looks(site: Site, memory: Memory, category: str | None = None) -> Iterator[standing.Look]:
    """Yield the newest look of every target that can be checked; a kind is imported only where memory does not say enough."""
    for name, target in site.targets.items():
        look = memory.look(name)
        if category is None and look:
            yield standing.Look(name, target.kind, look.findings, look.at)
            continue
        kind = registry.load(target.kind)
        if category in (None, kind.category) and "check" in kind.names:
            yield standing.Look(name, target.kind, look.findings, look.at) if look else standing.Look(name, target.kind)


def routine_state(calendar: Agenda, memory: Memory, routine: Routine, now: datetime) -> RoutineState:
    """Tell how a routine stands. A run that was narrowed to some of its tasks does not count."""
    last = _complete(memory.runs(1, routine.name), routine) or _complete(memory.runs(_ENOUGH, routine.name), routine)
    slot = last_slot(calendar, routine, now)
    late = slot is not None and slot.end < now and (last is None or last.began < slot.start)
    due = slot.start if slot else None
    following = calendar.following(routine, now)
    known = RoutineState(routine.name, due=due, next=following.start if following else None, overdue=late)
    return replace(known, run=last.id, began=last.began, status=last.status, verdict=last.verdict) if last else known


def _complete(runs: list[RunRecord], routine: Routine) -> RunRecord | None:
    wanted = {task.id for task in routine.tasks}
    whole = (run for run in runs if wanted <= {task.id for task in run.tasks})
    return next((run for run in whole if run.status is not Status.REFUSED), None)


def last_slot(calendar: Agenda, routine: Routine, now: datetime) -> Slot | None:
    """Return the newest slot of a routine that has begun, was its own and in which it was free to work, or None."""
    for days in _LOOK_BACK:
        for slot in reversed(calendar.slots(routine, now - timedelta(days=days), now)):
            if not calendar.replaced(routine, slot) and not calendar.forbidding(routine, slot):
                return slot
    return None


def open_run(site: Site, record: RunRecord) -> OpenRun:
    """Tell what a run waits for, and the exact command that goes on."""
    alive = locks.is_held(site.state / "locks", locks.of_run(record.id))
    because, command = owes(record, alive=alive)
    return OpenRun(record.id, record.routine, record.began, record.status, alive, because, command)


def encoded(state: State) -> dict[str, Any]:
    """Return the state as `mainstay.status/1` has it, without the name of that schema."""
    return {**vars(state), "targets": [{**vars(one), "level": one.level} for one in state.targets]}


def document(state: State, first: Sequence[Section | None] = (), more: Sequence[Section | None] = ()) -> Document:
    """Tell the state: what needs a person first, then the targets, then the routines; with sections before, and after those."""
    page = standing.status(state.site, state.targets, state.at)
    targets = (replace(section, title="Targets") for section in page.sections)
    rows = [_routine_row(one, state.at) for one in state.routines]
    heads = ("", "routine", "last run", "result", "next")
    burning = Section(
        "Emergencies", (listed(state.emergencies, lambda one: _burning(one, state.at)),) if state.emergencies else ()
    )
    waiting = Section("Open runs", (listed(state.open_runs, lambda one: _open_entry(one, state.at)),) if state.open_runs else ())
    routines = Section("Routines", (table(heads, rows),) if rows else ())
    late = sum(one.overdue for one in state.routines)
    open = plural(len(state.emergencies), "emergency", "emergencies") if state.emergencies else ""
    summary = ", ".join(part for part in (open, page.summary, f"{late} overdue" if late else "") if part)
    colophon = "From memory; `mainstay check` looks now."
    going = Section("Service", (Entries(tuple(_service_entries(state.service, state.at))),) if state.service else ())
    left = Section("Left to do", (listed(state.left, lambda one: _left(one, state.at)),) if state.left else ())
    told = sections(*first, burning, waiting, left, *targets, routines, *more, going, Section("", notices.lines(state.notices)))
    return replace(page, badge=_badge(state, page.badge), summary=summary, sections=told, colophon=colophon)


def _badge(state: State, targets: Cell) -> Cell:
    """Say the worst: an emergency, then what targets are in, then that somebody has to do something."""
    if state.emergencies:
        return Cell("emergency", "bad")
    asked = (
        any(not one.alive and one.next != BY_ITSELF for one in state.open_runs),
        any(one.overdue or one.verdict is Verdict.FAIL for one in state.routines),
        bool(state.notices.because),
    )
    return Cell("needs you", "warn") if any(asked) and targets.tone == "good" else targets


def _service_entries(one: service.Standing, now: datetime) -> Iterator[Entry]:
    """Tell whether the service lives, and what keeps it from its work."""
    if one.alive:
        yield Entry(Cell("✓", "good"), "mainstay serve is at work", f"seen {ago(one.seen, now)}")
    else:
        yield Entry(Cell("!", "warn"), "mainstay serve is not at work: nothing starts by itself", f"seen {ago(one.seen, now)}")
    for trouble in one.trouble if one.alive else ():
        yield Entry(Cell("!", "warn"), trouble)


def owes(record: RunRecord, *, alive: bool) -> tuple[str, str]:
    """Return what a run waits for, and the command that goes on with it."""
    owing, unreviewed = owed.reason(record), owed.unreviewed(record)
    if alive:
        return "it is at work", f"mainstay show {record.id}"
    waiting = next((task.id for task in record.tasks if task.status is Status.WAITING), None)
    if record.status is Status.WAITING and waiting:
        return f"{waiting} waits for a person", f"mainstay sign {record.id} {waiting} --remark TEXT"
    if record.status is Status.WAITING and record.standing:
        return record.because, f"mainstay mode off {record.routine}"
    if any(step.status is Status.UNKNOWN for task in record.tasks for step in task.steps) and owing:
        return owing, f"mainstay settle {record.id} --happened | --did-not-happen"
    if record.ended and not owing and unreviewed:
        declined = any(remark.on == unreviewed[0] and not remark.yes for remark in record.remarks)
        sign = f"mainstay sign {record.id} {unreviewed[0]} --remark TEXT"
        return (record.because, f"mainstay rollback {record.id}") if declined else (f"{unreviewed[0]} waits for a review", sign)
    if record.ended and not owing and record.watched.reopened:
        return record.because, record.watched.next
    if record.ended and not owing:
        return f"its result is watched for {record.watch}", BY_ITSELF
    return owing or "its owner is gone", f"mainstay resume {record.id}"


def _burning(one: Emergency, now: datetime) -> Entry:
    stands = f"{one.severity}, {one.phase or 'no phase has begun'}"
    return Entry(
        Cell("✗", "bad"),
        f"{one.id}: {one.reason}",
        ago(one.opened, now),
        (Cell(stands), Cell(f"→ mainstay emergency show {one.id}", "info")),
    )


def _left(one: Lesson, now: datetime) -> Entry:
    command = f"→ mainstay emergency done {one.id} {one.number} --remark TEXT"
    return Entry(Cell("·", "warn"), f"{one.id}: {one.text}", ago(one.at, now), (Cell(command, "info"),))


def _open_entry(one: OpenRun, now: datetime) -> Entry:
    mark = marks.status_mark(one.status if one.alive or one.status is not Status.RUNNING else Status.UNKNOWN)
    return Entry(mark, one.run, ago(one.began, now), (Cell(one.because), Cell(f"→ {one.next}", "info")))


def _routine_row(one: RoutineState, now: datetime) -> tuple[Cell, ...]:
    result = marks.verdict_word(one.verdict, one.status) if one.status else Cell("never run", "warn" if one.overdue else "muted")
    mark = Cell("!", "warn") if one.overdue else marks.status_mark(one.status or Status.PENDING)
    late = f"overdue since {moment(one.due, now)}" if one.overdue else (moment(one.next, now) if one.next else "when it is run")
    return mark, Cell(one.routine), Cell(ago(one.began, now)), result, Cell(late, "warn" if one.overdue else "")
