"""The phases of a run: laid out when it begins, entered in order, each not before its time and not before others have passed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from mainstay.engine import bracket
from mainstay.engine.drive import Drive
from mainstay.ledger import events
from mainstay.model.codec import encode
from mainstay.model.phase import Phase, PhaseRecord
from mainstay.model.run import RunRecord, Status
from mainstay.model.task import Slot
from mainstay.schedule import phases
from mainstay.system import clock

_PASSED = frozenset({Status.OK, Status.CHANGED})
_POLL = 0.5  # seconds between two looks for the wish to stop


def lay_out(drive: Drive, slot: Slot | None) -> None:
    """Pin when each phase is to be at work; a run without a slot goes through them in order, and waits for no clock."""
    ids = {task.id for task in drive.routine.tasks}
    chosen = (replace(one, tasks=tuple(id for id in one.tasks if id in ids)) for one in drive.routine.phases)
    kept: list[Phase] = [one for one in chosen if one.tasks]
    if kept and not drive.record.phases:
        zone = ZoneInfo(drive.context.site.timezone) if slot else None
        laid_out = phases.laid_out(kept, slot.start if slot else clock.now(), zone)
        drive.write(events.RUN_PHASED, {"phases": encode(laid_out)})


def enter(drive: Drive, id: str) -> None:
    """Begin the phase of a task, unless it has begun or may not; where its time has not come, wait with nothing in force."""
    phase = _of(drive.record, id)
    if phase is None or phase.began or drive.record.turned or drive.stop() or kept_back(drive.record, id):
        return
    if phase.not_before and clock.now() < phase.not_before:
        if not drive.record.all_or_nothing:
            bracket.leave(drive)
        _wait(drive, phase.not_before)
    if not drive.record.turned and not drive.stop():
        drive.write(events.PHASE_BEGUN, {"phase": phase.name})


def kept_back(record: RunRecord, id: str) -> str:
    """Return which phase that had to pass before the one of a task did not, "" when all have."""
    phase = _of(record, id)
    for other in record.phases if phase else ():
        if phase and other.name in phase.after:
            stands = [(one.id, one.status) for one in record.tasks if one.id in other.tasks and one.status not in _PASSED]
            if stands:
                return f"phase {phase.name} comes after {other.name}, which has not passed: {stands[0][0]} is {stands[0][1]}"
    return ""


def _of(record: RunRecord, id: str) -> PhaseRecord | None:
    return next((phase for phase in record.phases if id in phase.tasks), None)


def _wait(drive: Drive, until: datetime) -> None:
    while not drive.record.turned and not drive.stop() and (left := (until - clock.now()).total_seconds()) > 0:
        clock.sleep(min(_POLL, left))
