"""Did it work? The checks after a run, compared with those before, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mainstay.engine import observe
from mainstay.engine.context import Context
from mainstay.engine.drive import Drive
from mainstay.model.because import Finding, Level
from mainstay.model.codec import encode
from mainstay.model.run import RunRecord, Status, TaskRecord, Verdict
from mainstay.model.task import Routine

_BAD = frozenset({Status.FAILED, Status.UNKNOWN})


def look(context: Context, routine: Routine, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Run the checks of a routine; the body of a baseline, or of a final event, which compares with the facts `before`."""
    looks = [observe.compared(context, task, (before or {}).get(task.id)) for task in observe.checks_of(context, routine)]
    return {
        "facts": {look.record.id: look.facts for look in looks},
        "figures": {look.record.id: encode(look.figures) for look in looks},
        "checks": encode([look.record for look in looks]),
    }


def failing(drive: Drive) -> str:
    """Return which check fails now that must pass, or failed not before; "" when none does."""
    named = {task.id for task in drive.routine.checks}
    bad_before = bad(drive.record.checks_before)
    for task in observe.checks_of(drive.context, drive.routine):
        record = observe.check(drive.context, task).record
        if record.status in _BAD and (task.id in named or task.id not in bad_before):
            return f"{task.id}: {worst(record)}"
    return ""


def worse(drive: Drive) -> dict[str, str]:
    """Return the checks that are worse now than before the run, or that must pass and do not, each with its reason."""
    named = {task.id for task in drive.routine.checks}
    bad_before, found = bad(drive.record.checks_before), {}
    for task in observe.checks_of(drive.context, drive.routine):
        record = observe.compared(drive.context, task, drive.record.baseline.get(task.id)).record
        if record.status in _BAD and (task.id in named or task.id not in bad_before):
            found[task.id] = f"{task.id}: {worst(record)}"
    return found


def bad(checks: Iterable[TaskRecord]) -> frozenset[str]:
    """Return the ids of those that do not pass."""
    return frozenset(check.id for check in checks if check.status in _BAD)


def verdict(drive: Drive, owed: str) -> tuple[Status, Verdict, str]:
    """Return how a run as a whole ended, and the first reason."""
    record = drive.record
    statuses = {task.status for task in record.tasks if not task.bracket}
    broken = next((task for task in record.tasks if task.status in _BAD), None)
    if Status.UNKNOWN in statuses:
        return Status.UNKNOWN, Verdict.FAIL, owed
    failed = _named_check_fails(drive)
    if owed or broken or failed or (record.turned and Status.CANCELLED not in statuses):
        reason = owed or record.turned or (f"{broken.id}: {broken.because}" if broken else failed)
        return Status.FAILED, Verdict.FAIL, reason
    if Status.CANCELLED in statuses:
        return Status.CANCELLED, Verdict.DEGRADED, "cancelled"
    worse = _worse(record)
    status = Status.CHANGED if Status.CHANGED in statuses else Status.OK
    late = next((task for task in record.tasks if task.status in (Status.DEFERRED, Status.SKIPPED)), None)
    reason = f"{late.id}: {late.because}" if late else worse
    return status, Verdict.DEGRADED if reason else Verdict.PASS, reason


def worst(record: TaskRecord) -> Finding | str:
    """Return the finding that decided a check."""
    return max(record.findings, key=lambda finding: finding.level) if record.findings else record.because


def _named_check_fails(drive: Drive) -> str:
    named = {task.id for task in drive.routine.checks}
    failed = (check for check in drive.record.checks if check.id in named and check.status in _BAD)
    return next((f"{check.id}: {worst(check)}" for check in failed if not check.regressed), "")


def _worse(record: RunRecord) -> str:
    before = {check.id: check.status for check in record.checks_before}
    for check in record.checks:
        if check.status in _BAD and before.get(check.id) not in _BAD:
            return f"{check.id}: {worst(check)}"
    critical = ((task.id, finding) for task in record.tasks for finding in task.findings if finding.level is Level.CRITICAL)
    return next((f"{id}: {finding}" for id, finding in critical), "")
