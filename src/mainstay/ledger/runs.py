"""Fold the events of a run into its record. The engine asks the same record as every report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from mainstay.ledger import events
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.because import Finding
from mainstay.model.codec import decode
from mainstay.model.figure import Figure, Measure
from mainstay.model.phase import PhaseRecord
from mainstay.model.plan import Envelope, Plan, Step
from mainstay.model.run import Override, Remark, RunRecord, Status, StepRecord, TaskRecord, Verdict, Watched
from mainstay.model.task import Slot
from mainstay.model.units import Duration


def fold(events_of_run: Iterable[Event]) -> RunRecord:
    """Return the record that the events of one run amount to."""
    events_in_order = iter(events_of_run)
    record = _started(next(events_in_order))
    for event in events_in_order:
        record = feed(record, event)
    return record


def feed(record: RunRecord, event: Event) -> RunRecord:
    """Return the record after one more event."""
    if event.kind in events.PEOPLES_ACTS:
        record = _remarked(record, event)
    change = _CHANGES.get(event.kind)
    return change(record, event) if change else record


def load(journal: Journal, run: str) -> RunRecord | None:
    """Return the record of a run, or None when the journal has none of that id."""
    found = list(journal.events(run=run))
    return fold(found) if found and found[0].kind == events.RUN_STARTED else None  # emergencies and sheets have ids, too


def _started(event: Event) -> RunRecord:
    body = event.body
    tasks = tuple(decode(TaskRecord, task) for task in body["tasks"])
    emergency = decode(Override, body["emergency"]) if body.get("emergency") else None
    return RunRecord(
        id=event.run,
        routine=body["routine"],
        launched_by=body["launched_by"],
        status=Status.RUNNING,
        began=event.at,
        attended=body["attended"],
        tasks=tasks,
        all_or_nothing=body["all_or_nothing"],
        watch=Duration(body["watch"]),
        watch_every=Duration(body.get("watch_every", 300)),
        rollback=Duration(body.get("rollback", 0)),
        emergency=emergency,
        remarks=(Remark(event.at, emergency.approver, "declared an emergency", text=emergency.reason),) if emergency else (),
    )


def _claimed(record: RunRecord, event: Event) -> RunRecord:
    slot = decode(Slot, event.body["slot"]) if "slot" in event.body else None  # an earlier version did not write it down
    return replace(record, occurrence=event.body["occurrence"], slot=slot)


def _remarked(record: RunRecord, event: Event) -> RunRecord:
    act = events.PEOPLES_ACTS[event.kind]
    remark = Remark(event.at, event.body["by"], act, event.task, event.body.get("text", ""), event.body.get("yes", True))
    return replace(record, remarks=(*record.remarks, remark))


def _task(record: RunRecord, event: Event, change: Callable[[TaskRecord], TaskRecord]) -> RunRecord:
    return replace(record, tasks=tuple(change(task) if task.id == event.task else task for task in record.tasks))


def _planned(record: RunRecord, event: Event) -> RunRecord:
    plan, forecast = decode(Plan, event.body["plan"]), event.body["forecast"]

    def change(task: TaskRecord) -> TaskRecord:
        waited = task.status is Status.WAITING  # what a person took to answer is no part of what the task takes
        began = datetime.fromisoformat(event.body["began"]) if waited or not task.began else task.began
        expected = None if forecast is None else Duration(forecast)
        return replace(task, plan=plan, status=Status.RUNNING, because="", began=began, ended=None, forecast=expected)

    return replace(_task(record, event, change), status=Status.RUNNING)


def _step_started(record: RunRecord, event: Event) -> RunRecord:
    body = event.body
    step = StepRecord(
        step=decode(Step, body["step"]),
        status=Status.RUNNING,
        began=event.at,
        before=body["before"],
        undo_of=body["undo_of"],
        under=tuple(body["under"]),
    )
    return _task(record, event, lambda task: replace(task, steps=(*task.steps, step), began=task.began or event.at))


def _step_ended(record: RunRecord, event: Event) -> RunRecord:
    body = event.body

    def change(task: TaskRecord) -> TaskRecord:
        steps = list(task.steps)
        index = max(number for number, step in enumerate(steps) if step.step.id == body["step"])
        status = Status(body["status"])
        steps[index] = replace(steps[index], status=status, ended=event.at, **_ending(body))
        if steps[index].undo_of and status is Status.CHANGED:  # a failed step stays failed when it was taken back
            steps = [_undone(step, steps[index].undo_of) for step in steps]
            task = replace(task, status=Status.UNDONE) if task.status is Status.CHANGED and not task.bracket else task
        return replace(task, steps=tuple(steps))

    unknown = any(task.id == event.task and task.status is Status.UNKNOWN for task in record.tasks)
    return _task(_reopened(record, event) if unknown else record, event, change)


def _reopened(record: RunRecord, event: Event) -> RunRecord:
    """A task goes on, and its run with it, when it is known at last how its step ended."""
    record = _task(record, event, lambda task: replace(task, status=Status.RUNNING))
    return replace(record, status=Status.RUNNING, ended=None)


def _ending(body: dict[str, Any]) -> dict[str, Any]:
    measured = decode(tuple[Measure, ...], body.get("measures", []))
    return {"after": body["after"], "because": body["because"], "output": body["output"], "measures": measured}


def _undone(step: StepRecord, undone: str) -> StepRecord:
    return replace(step, status=Status.UNDONE) if step.step.id == undone and step.status is Status.CHANGED else step


def _task_ended(record: RunRecord, event: Event) -> RunRecord:
    body = event.body
    findings = decode(tuple[Finding, ...], body["findings"])

    def change(task: TaskRecord) -> TaskRecord:
        status, because = Status(body["status"]), body["because"]
        return replace(task, status=status, because=because, findings=findings, began=task.began or event.at, ended=event.at)

    return _task(record, event, change)


def _answered(record: RunRecord, event: Event) -> RunRecord:
    """A person's word ends a step that nobody else could tell about."""
    status = Status.CHANGED if event.body["yes"] else Status.FAILED
    said = f"{event.body['by']} says that it {'happened' if event.body['yes'] else 'did not happen'}"
    body = {"step": event.body["step"], "status": status, "because": said, "after": None, "output": ""}
    return _step_ended(_reopened(record, event), replace(event, body=body))


def _ended(record: RunRecord, event: Event) -> RunRecord:
    body = event.body
    verdict = Verdict(body["verdict"]) if body["verdict"] else None
    return replace(
        record, status=Status(body["status"]), verdict=verdict, because=body["because"], ended=event.at, watched=Watched()
    )


def _turned(record: RunRecord, event: Event) -> RunRecord:
    """The first reason stays; a run that had ended is under way again."""
    return replace(record, turned=record.turned or event.body["because"], status=Status.RUNNING, ended=None)


def _parked(record: RunRecord, event: Event) -> RunRecord:
    because = event.body["because"]
    record = _task(
        record, event, lambda task: replace(task, status=Status.WAITING, because=because, began=task.began or event.at)
    )
    return replace(record, status=Status.WAITING, because=event.body["because"])


def _stands(record: RunRecord, event: Event) -> RunRecord:
    until = datetime.fromisoformat(event.body["until"])
    return replace(record, status=Status.WAITING, because=event.body["because"], standing=until)


def _begun_by(record: RunRecord, event: Event) -> RunRecord:
    return _task(record, event, lambda task: replace(task, began=event.at))


def _baseline(record: RunRecord, event: Event) -> RunRecord:
    body, checks = event.body, decode(tuple[TaskRecord, ...], event.body["checks"])
    return replace(record, begun=True, baseline=body["facts"], figures_before=_figures(body), checks_before=checks)


def _phase_begun(record: RunRecord, event: Event) -> RunRecord:
    name = event.body["phase"]
    phases = (replace(one, began=event.at) if one.name == name and one.began is None else one for one in record.phases)
    return replace(record, phases=tuple(phases))


def _final(record: RunRecord, event: Event) -> RunRecord:
    body, checks = event.body, decode(tuple[TaskRecord, ...], event.body["checks"])
    return replace(record, final=body["facts"], figures_after=_figures(body), checks=checks)


def _watched(record: RunRecord, event: Event) -> RunRecord:
    because, seen = event.body["because"], record.watched
    now = replace(seen, looks=seen.looks + 1, last=event.at, because=because, bad=seen.bad + 1 if because else 0)
    if because:
        now = replace(now, all_bad=seen.all_bad + 1, bad_at=event.at)
    return replace(record, watched=now)


def _watched_badly(record: RunRecord, event: Event) -> RunRecord:
    verdict = record.verdict if record.verdict is Verdict.FAIL else Verdict.DEGRADED
    seen = replace(record.watched, reopened=event.at, next=event.body["next"])
    return replace(record, verdict=verdict, because=event.body["because"], watched=seen)


def _figures(body: dict[str, Any]) -> dict[str, tuple[Figure, ...]]:
    return decode(dict[str, tuple[Figure, ...]], body.get("figures", {}))


_CHANGES: dict[str, Callable[[RunRecord, Event], RunRecord]] = {
    events.OCCURRENCE_CLAIMED: _claimed,
    events.RUN_ADOPTED: lambda record, _: record if record.ended else replace(record, status=Status.RUNNING),
    events.RUN_CONSENTED: lambda record, event: replace(record, envelope=decode(Envelope, event.body["envelope"])),
    events.RUN_BASELINE: _baseline,
    events.RUN_PHASED: lambda record, event: replace(record, phases=decode(tuple[PhaseRecord, ...], event.body["phases"])),
    events.PHASE_BEGUN: _phase_begun,
    events.TASK_PLANNED: _planned,
    events.STEP_STARTED: _step_started,
    events.STEP_ENDED: _step_ended,
    events.TASK_ENDED: _task_ended,
    events.RUN_PARKED: _parked,
    events.RUN_STANDS: _stands,
    events.RUN_BEGUN_BY: _begun_by,
    events.RUN_ANSWERED: _answered,
    events.RUN_TURNED: _turned,
    events.RUN_FINAL: _final,
    events.RUN_ENDED: _ended,
    events.RUN_WATCHED: _watched,
    events.RUN_REOPENED: _watched_badly,
    events.RUN_SETTLED: lambda record, _: replace(record, settled=True),
}
