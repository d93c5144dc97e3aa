"""A run in the hands of this process: its record, its fence, its locks, and the wish to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

from mainstay.engine.context import Context
from mainstay.kinds.kind import Session, TaskKind
from mainstay.ledger import events, runs
from mainstay.model.codec import decode
from mainstay.model.errors import Refused
from mainstay.model.figure import Figure
from mainstay.model.plan import Step
from mainstay.model.run import RunRecord, Status, StepRecord, TaskRecord
from mainstay.model.task import Lock, OnStop, Routine, Task
from mainstay.model.units import Duration
from mainstay.system import clock, locks
from mainstay.system.process import Door

FINISHED = frozenset(
    {Status.OK, Status.CHANGED, Status.FAILED, Status.UNDONE, Status.SKIPPED, Status.DEFERRED, Status.UNKNOWN, Status.CANCELLED}
)
_LOOKED_AT = Duration(0.5)  # whoever asks whether an owner lives has the lock for a moment
_ASK_EVERY = 1.0  # seconds between two looks for the wish to stop


@dataclass
class Drive:
    """One run and the process that owns it.

    fence   the seq of the adoption that made this process the owner
    spans   the locks of open brackets, by task id
    insist  a person has asked that what could not be taken back is tried again
    cut     the tasks that the end of the slot has stopped
    bug     an error that nobody foresaw: it is raised again when everything that is owed has been paid
    """

    context: Context
    routine: Routine
    record: RunRecord
    fence: int
    spans: dict[str, ExitStack] = field(default_factory=dict)
    insist: bool = False
    cut: set[str] = field(default_factory=set)
    bug: Exception | None = None
    _asked: float = 0.0
    _stopped: bool = False
    _held: tuple[int, ...] = ()
    _locks: tuple[Lock, ...] = ()

    def write(self, kind: str, body: dict[str, Any], task: str = "") -> None:
        """Commit an event of this run and take it into the record."""
        event = self.context.journal.append(kind, body, run=self.record.id, task=task, fence=self.fence)
        self.record = runs.feed(self.record, event)
        self.context.listener.event(self.record, event)

    def end(self, task: str, status: Status, because: str, findings: tuple[Any, ...] = ()) -> None:
        """Write the end row of a task."""
        now, record = clock.now(), self.record.task(task)
        took = (now - record.began).total_seconds() if record.began else 0.0
        self.write(events.TASK_ENDED, {"status": status, "because": because, "findings": findings, "took": took}, task)
        if status is Status.CHANGED:
            self.context.samples.record(record.target, now, [Figure(f"duration {record.name}", took, "s")])

    def stop(self) -> bool:
        """Return whether a person has asked this run to stop; the journal is asked once a second."""
        if not self._stopped and self.context.wish():
            self._stopped = True
            self.write(events.RUN_CANCELLED, {"by": self.record.launched_by, "text": "stopped at its terminal"})
        if not self._stopped and clock.monotonic() - self._asked >= _ASK_EVERY:
            self._asked = clock.monotonic()
            self._stopped = self.context.journal.exists(self.record.id, events.RUN_CANCELLED)
        return self._stopped

    def door(self, task: Task, step: Step, *, obey: bool) -> Door:
        """Return the door of one step: tagged with run and step; it hands the locks held now to every child."""
        stop = self._ending(task) if obey else _never
        return Door(task.target.place, self.tag(task.id, step.id), self._held, stop)

    def over(self, task: Task) -> bool:
        """Return whether a task is stopped because its slot has ended."""
        slot = self.record.slot
        if task.on_stop == "cancel" and slot is not None and clock.now() >= slot.end:
            self.cut.add(task.id)
        return task.id in self.cut

    def _ending(self, task: Task) -> Callable[[], bool]:
        """Return what ends a step of a task while it is under way."""
        return _never if task.on_stop == "finish" else lambda: self.stop() or self.over(task)

    def looking(self, task: Task) -> Door:
        """Return the door for looking at a task's target."""
        return Door(task.target.place, self.tag(task.id, "look"), self._held)

    def tag(self, task: str, step: str) -> str:
        """Name what a step starts."""
        return f"{self.record.id}/{task}/{step}"

    def task(self, id: str) -> Task | None:
        """Return a task of this run as it was launched, on its target as configured today; None when that is gone."""
        launched = self.record.task(id)
        target = self.context.site.targets.get(launched.target)
        if target is None or target.kind != launched.kind:
            return None
        configured = {task.id: task for task in (*self.routine.around, *self.routine.tasks)}.get(id)
        known = self.context.kind(target)
        kind = known.task(launched.name) if launched.name in known.names else None
        if kind is None:
            return None  # a later version no longer has it
        params: Any = decode(kind.params, launched.params)
        task = configured or Task(id, target, launched.name, params, origin=target.origin, origins=target.origins)
        return replace(task, params=params, budget=launched.budget, on_stop=cast("OnStop", launched.on_stop))

    def kind(self, task: Task) -> TaskKind[Any, Any]:
        """Return the kind of a task."""
        return self.context.task_kind(task)

    def release(self) -> None:
        """Give back the locks of brackets; what is in force stays owed."""
        while self.spans:
            self.spans.popitem()[1].close()

    @contextmanager
    def locked(self, *tasks: Task) -> Iterator[None]:
        """Hold the locks of tasks; Refused when another run keeps them for longer than the routine queues."""
        mine = {lock.resource for lock in self._locks}
        needs = (lock for task in tasks for lock in self.kind(task).locks(self.context.resource(task.target), task.params))
        wanted = [lock for lock in needs if lock.resource not in mine]
        with locks.acquire_all(self.context.locks, wanted, f"run {self.record.id}", self.routine.queue) as held:
            outer = self._held, self._locks
            self._held, self._locks = (*outer[0], *(one.fd for one in held)), (*outer[1], *(one.lock for one in held))
            try:
                yield
            finally:
                self._held, self._locks = outer


def latest(task: TaskRecord) -> dict[str, StepRecord]:
    """Return the newest attempt of each step of a task, undo steps left out, in the order of their first start."""
    return {step.step.id: step for step in task.steps if not step.undo_of}


@contextmanager
def owned(context: Context, run: str) -> Iterator[None]:
    """Hold the lock that says that this run has a living owner; children do not inherit it."""
    try:
        lock = locks.acquire(context.locks, Lock(context.run_lock(run)), f"run {run}", _LOOKED_AT)
    except Refused as error:
        raise Refused("the run has a living owner", on=run, because=error.because, next=f"mainstay show {run}") from error
    try:
        yield
    finally:
        lock.release()


def as_session(session: Session, door: Door) -> Session:
    """Return the session with the door of one step."""
    return replace(session, door=door, output=[])


def _never() -> bool:
    return False
