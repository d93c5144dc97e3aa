"""The road of a run: gate, baseline, then each task in its turn, then what is owed, then the verdict."""

from __future__ import annotations

import getpass
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from mainstay import config
from mainstay.engine import bracket, freeze, gate, owed, phases, plan, promises, turn, verify
from mainstay.engine.context import Context
from mainstay.engine.drive import FINISHED, Drive, owned
from mainstay.engine.quiet import wait_for_quiet
from mainstay.ledger import events, lessons, runs
from mainstay.model.codec import encode
from mainstay.model.errors import Refused
from mainstay.model.plan import Envelope
from mainstay.model.run import Override, RunRecord, Status
from mainstay.model.task import Routine, Slot, Task
from mainstay.model.units import Duration
from mainstay.schedule.agenda import occurrence
from mainstay.system import clock

_NOT_DONE = frozenset({Status.FAILED, Status.CANCELLED, Status.DEFERRED, Status.SKIPPED})


@dataclass(frozen=True)
class Standing:
    """How long brackets are to stay in force without an owner, and why."""

    lasts: Duration
    reason: str


@dataclass(frozen=True)
class Launch:
    """Who starts a run, and how.

    `envelope` is what a person consented to, `how` is how they said so. An `emergency` passes blackouts; somebody is there, and
    answers for it. With `stands`, the run is nothing but its brackets: they are put in force and stay so without an owner, until
    a person lifts them or that time is over. With `tell`, people are told before anything else.
    """

    by: str = ""
    attended: bool = True
    scheduled: bool = False
    envelope: Envelope | None = None
    how: str = ""
    emergency: Override | None = None
    stands: Standing | None = None
    tell: Callable[[str], str] | None = None  # tells people of the run of this id, and says whom it has reached


def launch(context: Context, routine: Routine, how: Launch) -> RunRecord:
    """Run a routine to its end, or until it waits for a person; Refused when a gate says no, which is remembered too."""
    id = new_id(routine.name)
    with owned(context, id):
        started = context.journal.append(events.RUN_STARTED, _started(context, routine, how), run=id)
        adopted = context.journal.append(events.RUN_ADOPTED, {"boot": clock.boot_id()}, run=id)
        drive = Drive(context, routine, runs.fold([started, adopted]), adopted.seq)
        context.listener.event(drive.record, adopted)
        if how.tell:
            drive.write(events.RUN_NOTED, {"by": "mainstay", "text": how.tell(id)})
        slot = None
        with _refusal_remembered(drive):
            slot = gate.slot(context, routine) if how.scheduled else None
            if how.scheduled:
                freeze.refuse(context, routine)
            if how.envelope and not how.emergency:
                gate.refuse_outside(context, routine, how.envelope.impact)
            if slot:
                promises.hold(drive, slot)
        if how.envelope:
            drive.write(events.RUN_CONSENTED, {"by": _by(how), "how": how.how, "envelope": encode(how.envelope)})
        return begin(drive, slot, how.stands)


def begin(drive: Drive, slot: Slot | None = None, stands: Standing | None = None) -> RunRecord:
    """Pass the gate, claim the slot (nothing speaks against the start then), look, and go."""
    with _refusal_remembered(drive):
        gate.guarded(drive.context, drive.routine, attended=drive.record.attended)
        gate.may_start(drive.context, drive.routine, drive.record.id)
        if slot:
            wait_for_quiet(drive, Duration((slot.end - clock.now()).total_seconds()))
            claimed = {"occurrence": occurrence(drive.routine.name, slot.start), "slot": encode(slot)}
            drive.write(events.OCCURRENCE_CLAIMED, claimed)
        phases.lay_out(drive, slot or drive.record.slot)
        drive.write(events.RUN_BASELINE, verify.look(drive.context, drive.routine))
        return _stand(drive, stands) if stands else forward(drive)


def forward(drive: Drive) -> RunRecord:
    """Go on from wherever the record stands: the same road for a new run and for one that crashed or was parked."""
    try:
        with drive.locked(*_one_scope(drive)):
            for id in [task.id for task in drive.record.tasks if not task.bracket]:
                _lift_when_over(drive, id)
                if drive.record.task(id).status not in FINISHED:
                    phases.enter(drive, id)
                if drive.record.task(id).status not in FINISHED and not turn.take(drive, id):
                    return drive.record  # parked: no thread, no lock
                _turn_back(drive, id)
            _finish(drive)
    finally:
        drive.release()
    if drive.bug:
        raise drive.bug
    return drive.record


def _stand(drive: Drive, asked: Standing) -> RunRecord:
    """Put the brackets in force and leave them so; what could not be put in force has been lifted again."""
    why = bracket.enter(drive)
    if not why and owed.open_brackets(drive.record):
        until = clock.now() + timedelta(seconds=asked.lasts)
        because = f"in force until {until:%Y-%m-%d %H:%M} UTC, by {drive.record.launched_by}: {asked.reason}"
        drive.write(events.RUN_STANDS, {"until": encode(until), "because": because})
        drive.release()
        return drive.record
    for task in drive.record.tasks if why else ():
        drive.end(task.id, Status.FAILED, why)
    return forward(drive)


def _turn_back(drive: Drive, id: str) -> None:
    """In a run of one scope, take everything back as soon as a task is not done, for whatever reason."""
    ended, record = drive.record.task(id), drive.record
    if record.all_or_nothing and not record.turned and ended.status in _NOT_DONE:
        drive.write(events.RUN_TURNED, {"because": f"{id} is {ended.status}: {ended.because}"})


def _one_scope(drive: Drive) -> list[Task]:
    """Return the tasks whose locks are held from beginning to end, because they are taken back together."""
    if not drive.record.all_or_nothing:
        return []
    tasks = (drive.task(task.id) for task in drive.record.tasks if not task.bracket)
    return [task for task in tasks if task and not drive.kind(task).waits]


def new_id(routine: str) -> str:
    """Return a run id: UTC second, routine, and four hex digits that keep two of one second apart."""
    return f"{clock.now():%Y%m%dT%H%M%S}-{routine}-{secrets.token_hex(2)}"


def settle_if_clear(drive: Drive) -> None:
    """Free the held names of a run that owes nothing and has nothing to watch: no watch period, or all is taken back."""
    record = drive.record
    if record.ended and not owed.reason(record) and not owed.unreviewed(record) and (record.turned or not record.watch):
        drive.write(events.RUN_SETTLED, {"by": "mainstay", "text": "nothing is owed"})


def _started(context: Context, routine: Routine, how: Launch) -> dict[str, object]:
    brackets = [plan.record(context, task, bracket=True) for task in routine.around]
    return {
        "routine": routine.name,
        "launched_by": _by(how),
        "attended": how.attended,
        "all_or_nothing": routine.all_or_nothing,
        "watch": routine.watch,
        "watch_every": routine.watch_every,
        "rollback": routine.rollback,
        "emergency": encode(how.emergency),
        "configuration": config.version(context.site),
        "tasks": encode([*brackets, *(plan.record(context, task) for task in routine.tasks)]),
    }


def _by(how: Launch) -> str:
    return how.by or getpass.getuser()


@contextmanager
def _refusal_remembered(drive: Drive) -> Iterator[None]:
    try:
        yield
    except Refused as error:
        if any(task.steps for task in drive.record.tasks):
            raise  # something was started, and is owed
        drive.write(events.RUN_ENDED, {"status": Status.REFUSED, "verdict": "", "because": str(error)})
        drive.write(events.RUN_SETTLED, {"by": "mainstay", "text": "nothing was started"})
        raise


def _lift_when_over(drive: Drive, next_task: str) -> None:
    """Lift the brackets as soon as no task that is left may need them."""
    if not owed.open_brackets(drive.record):
        return
    ids = [task.id for task in drive.record.tasks if not task.bracket]
    left = [drive.task(id) for id in ids[ids.index(next_task) :] if drive.record.task(id).status not in FINISHED]
    if not any(task and bracket.needed(drive.kind(task).highest_impact(task.target.settings, task.params)) for task in left):
        bracket.leave(drive)


def _finish(drive: Drive) -> None:
    why = bracket.leave(drive)
    drive.write(events.RUN_FINAL, verify.look(drive.context, drive.routine, drive.record.baseline))
    status, verdict, because = verify.verdict(drive, why or owed.reason(drive.record))
    _remember_lesson(drive)
    drive.write(events.RUN_ENDED, {"status": status, "verdict": verdict, "because": because})
    settle_if_clear(drive)


def _remember_lesson(drive: Drive) -> None:
    """Have the runbook looked at after a drill, however it ended."""
    drilled = (task.id for task in drive.record.tasks if task.status in (Status.CHANGED, Status.FAILED))
    known = (drive.task(id) for id in drilled)
    if any(task and drive.kind(task).teaches for task in known):
        version = config.version(drive.context.site)
        drive.write(events.RUN_TAUGHT, {"text": lessons.PROCEDURE, "configuration": version})
