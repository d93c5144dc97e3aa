"""What `status` knows without looking: last looks, last runs, what is late, and the command that each open run waits for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.engine import owed
from mainstay.ledger.memory import Memory
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.model.task import Routine, Site
from mainstay.report import marks, standing
from mainstay.report.document import Cell, Document, Entry, Section, listed, sections, table
from mainstay.report.quantity import ago, moment
from mainstay.schedule import rules, windows
from mainstay.system import locks

_LOOK_BACK = (2, 9, 40, 400)  # days
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


def of(site: Site, now: datetime, category: str | None = None) -> State:
    """Read the state of a site from its memory; `category` leaves out targets of other categories."""
    memory = Memory(site.state)
    routines = (routine_state(site, memory, routine, now) for routine in site.routines.values())
    runs = (open_run(site, record) for record in memory.unsettled())
    return State(site.name, now, tuple(looks(site, memory, category)), tuple(routines), tuple(runs))


def looks(site: Site, memory: Memory, category: str | None = None) -> Iterator[standing.Look]:
    """Yield the newest look of every target that can be checked; a kind is imported only where memory does not say enough."""
    for name, target in site.targets.items():
        look = memory.look(name)
        if category is None and look:
            yield standing.Look(name, target.kind, look.findings, look.at)
            continue
        from mainstay.kinds import registry

        kind = registry.load(target.kind)
        if category in (None, kind.category) and "check" in {task.name for task in kind.tasks}:
            yield standing.Look(name, target.kind, look.findings, look.at) if look else standing.Look(name, target.kind)


def routine_state(site: Site, memory: Memory, routine: Routine, now: datetime) -> RoutineState:
    """Tell how a routine stands. A run that was narrowed to some of its tasks does not count."""
    last = _complete(memory.runs(1, routine.name), routine) or _complete(memory.runs(_ENOUGH, routine.name), routine)
    slot = last_slot(site, routine, now)
    late = slot is not None and slot.end < now and (last is None or last.began < slot.start)
    due = slot.start if slot else None
    known = RoutineState(routine.name, due=due, next=_next(site, routine, now), overdue=late)
    return replace(known, run=last.id, began=last.began, status=last.status, verdict=last.verdict) if last else known


def _complete(runs: list[RunRecord], routine: Routine) -> RunRecord | None:
    wanted = {task.id for task in routine.tasks}
    whole = (run for run in runs if wanted <= {task.id for task in run.tasks})
    return next((run for run in whole if run.status is not Status.REFUSED), None)


def last_slot(site: Site, routine: Routine, now: datetime) -> windows.Slot | None:
    """Return the newest slot of a routine that has begun and was its own, or None."""
    window, zone = site.windows.get(routine.window), ZoneInfo(site.timezone)
    if window is None:
        return None
    for days in _LOOK_BACK:
        for start in reversed(list(rules.parse(window.rule).between(now - timedelta(days=days), now, zone))):
            if windows.superseded(routine, site, start.astimezone(zone).date()) is None:
                return windows.Slot(window.name, start, start + timedelta(seconds=window.length))
    return None


def open_run(site: Site, record: RunRecord) -> OpenRun:
    """Tell what a run waits for, and the exact command that goes on."""
    alive = locks.is_held(site.state / "locks", locks.of_run(record.id))
    because, command = _owes(record, owed.reason(record), alive=alive)
    return OpenRun(record.id, record.routine, record.began, record.status, alive, because, command)


def document(state: State) -> Document:
    """Tell the state: what needs a person first, then the targets, then the routines."""
    page = standing.status(state.site, state.targets, state.at)
    targets = (replace(section, title="Targets") for section in page.sections)
    rows = [_routine_row(one, state.at) for one in state.routines]
    heads = ("", "routine", "last run", "result", "next")
    waiting = Section("Open runs", (listed(state.open_runs, lambda one: _open_entry(one, state.at)),) if state.open_runs else ())
    routines = Section("Routines", (table(heads, rows),) if rows else ())
    late = sum(one.overdue for one in state.routines)
    summary = ", ".join(part for part in (page.summary, f"{late} overdue" if late else "") if part)
    colophon = "From memory; `mainstay check` looks now."
    return replace(page, summary=summary, sections=sections(waiting, *targets, routines), colophon=colophon)


def _next(site: Site, routine: Routine, now: datetime) -> datetime | None:
    window = site.windows.get(routine.window)
    return windows.next_slot(window, now, ZoneInfo(site.timezone)).start if window else None


def _owes(record: RunRecord, owed: str, *, alive: bool) -> tuple[str, str]:
    if alive:
        return "it is at work", f"mainstay show {record.id}"
    waiting = next((task.id for task in record.tasks if task.status is Status.WAITING), None)
    if record.status is Status.WAITING and waiting:
        return f"{waiting} waits for a person", f"mainstay sign {record.id} {waiting} --remark TEXT"
    if record.status is Status.WAITING and record.standing:
        return record.because, f"mainstay mode off {record.routine}"
    if any(step.status is Status.UNKNOWN for task in record.tasks for step in task.steps) and owed:
        return owed, f"mainstay settle {record.id} --happened | --did-not-happen"
    if record.ended and not owed:
        return f"its result is watched for {record.watch}", "mainstay settle"
    return owed or "its owner is gone", f"mainstay resume {record.id}"


def _open_entry(one: OpenRun, now: datetime) -> Entry:
    mark = marks.status_mark(one.status if one.alive or one.status is not Status.RUNNING else Status.UNKNOWN)
    return Entry(mark, one.run, ago(one.began, now), (Cell(one.because), Cell(f"→ {one.next}", "info")))


def _routine_row(one: RoutineState, now: datetime) -> tuple[Cell, ...]:
    result = marks.verdict_word(one.verdict, one.status) if one.status else Cell("never run", "warn" if one.overdue else "muted")
    mark = Cell("!", "warn") if one.overdue else marks.status_mark(one.status or Status.PENDING)
    late = f"overdue since {moment(one.due, now)}" if one.overdue else (moment(one.next, now) if one.next else "when it is run")
    return mark, Cell(one.routine), Cell(ago(one.began, now)), result, Cell(late, "warn" if one.overdue else "")
