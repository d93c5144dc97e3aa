"""What was done: the record of a run as it is folded from the journal, and as every report renders it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mainstay.model.because import Finding
from mainstay.model.figure import Figure, Measure
from mainstay.model.phase import PhaseRecord
from mainstay.model.plan import Envelope, Plan, Step
from mainstay.model.task import Slot
from mainstay.model.units import Duration


class Status(StrEnum):
    """How a step, a task or a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    OK = "ok"  # looked, and nothing had to be done
    CHANGED = "changed"  # done, and verified
    FAILED = "failed"
    UNDONE = "undone"  # done, then taken back
    SKIPPED = "skipped"
    DEFERRED = "deferred"  # not now, with the reason; not a failure
    WAITING = "waiting"  # for a person
    UNKNOWN = "unknown"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Verdict(StrEnum):
    """The overall result of a run."""

    PASS = "pass"
    DEGRADED = "degraded"
    FAIL = "fail"


@dataclass(frozen=True)
class StepRecord:
    """One act and its evidence; `before` and `after` are the facts as JSON."""

    step: Step
    status: Status
    began: datetime | None = None
    ended: datetime | None = None
    before: Any = None
    after: Any = None
    because: str = ""
    output: str = ""
    undo_of: str = ""  # the id of the step that this one takes back
    under: tuple[str, ...] = ()  # the brackets that were open around it, outer first
    measures: tuple[Measure, ...] = ()  # what it changed, in figures

    @property
    def took(self) -> Duration | None:
        """How long it took, or None while it runs."""
        return Duration((self.ended - self.began).total_seconds()) if self.began and self.ended else None


@dataclass(frozen=True)
class Estimate:
    """How long an act takes, learned from earlier runs: the median, and what 95 of 100 keep within."""

    action: str
    p50: Duration
    p95: Duration
    times: int


@dataclass(frozen=True)
class TaskRecord:
    """One task of a run: what it planned, did, left alone and found."""

    id: str
    target: str
    kind: str
    name: str
    task_class: str
    category: str
    status: Status = Status.PENDING
    because: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    forecast: Duration | None = None
    budget: Duration | None = None
    plan: Plan | None = None
    steps: tuple[StepRecord, ...] = ()
    findings: tuple[Finding, ...] = ()
    bracket: bool = False
    level: str = "automatic"
    regressed: bool = False  # a check that passes by itself, and is worse than before the run
    on_stop: str = ""
    params: dict[str, Any] = field(default_factory=dict)  # as JSON
    lacking: tuple[str, ...] = ()  # what undos need and is not there, in a forecast
    estimates: tuple[Estimate, ...] = ()  # of its acts, in a forecast
    rehearsed: Duration | None = None  # how long it took on a copy at its newest rehearsal, in a forecast

    @property
    def took(self) -> Duration | None:
        """How long it took, or None while it runs or if it never began."""
        return Duration((self.ended - self.began).total_seconds()) if self.began and self.ended else None


@dataclass(frozen=True)
class Remark:
    """What a person said: a signature, a consent, a settlement."""

    at: datetime
    by: str
    act: str  # signed | consented | settled | cancelled
    on: str = ""
    text: str = ""
    yes: bool = True


@dataclass(frozen=True)
class Override:
    """Why a run may pass windows and blackouts: who answers for it, and the reason."""

    approver: str
    reason: str


@dataclass(frozen=True)
class Watched:
    """What the watch period of a run has shown so far: how many looks, how many worse ones, the last `bad` of them in a row."""

    looks: int = 0
    last: datetime | None = None
    bad: int = 0
    all_bad: int = 0
    bad_at: datetime | None = None  # the last worse one
    because: str = ""  # why the last look was worse, "" when it was not
    reopened: datetime | None = None
    next: str = ""  # the command that a person was advised to give then


@dataclass(frozen=True)
class RunRecord:
    """One run. `baseline` and `final` hold the facts of each check task before and after, by task id; so do their `figures_`.

    `checks` are the check tasks after the run, with their findings; `turned` says why the run only takes back from then on.
    """

    id: str
    routine: str
    launched_by: str
    status: Status
    began: datetime
    ended: datetime | None = None
    because: str = ""
    verdict: Verdict | None = None
    settled: bool = False
    attended: bool = True
    occurrence: str = ""
    slot: Slot | None = None
    emergency: Override | None = None
    envelope: Envelope | None = None
    tasks: tuple[TaskRecord, ...] = ()
    checks: tuple[TaskRecord, ...] = ()
    checks_before: tuple[TaskRecord, ...] = ()
    remarks: tuple[Remark, ...] = ()
    baseline: dict[str, Any] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)
    figures_before: dict[str, tuple[Figure, ...]] = field(default_factory=dict)
    figures_after: dict[str, tuple[Figure, ...]] = field(default_factory=dict)
    turned: str = ""
    all_or_nothing: bool = False
    begun: bool = False  # the gates let it pass, and its baseline was taken
    watch: Duration = Duration(0)
    watch_every: Duration = Duration(300)
    watched: Watched = Watched()
    standing: datetime | None = None  # put in force by hand: its brackets stay without an owner, until then
    phases: tuple[PhaseRecord, ...] = ()
    rollback: Duration = Duration(0)  # how long taking it back may last

    @property
    def took(self) -> Duration | None:
        """How long it took, or None while it is under way."""
        return Duration((self.ended - self.began).total_seconds()) if self.ended else None

    @property
    def only_watched(self) -> bool:
        """Whether the last that happened to it was a look of its watch period that led to nothing."""
        seen = self.watched
        return seen.last is not None and not self.settled and (seen.reopened is None or seen.reopened < seen.last)

    @property
    def rolled_back(self) -> bool:
        """Whether everything that it did was taken back: some of it, and nothing is left."""
        return bool(self.turned and self.ended) and self.traceless and Status.UNDONE in self._acts

    @property
    def traceless(self) -> bool:
        """Whether nothing that it did is so now: it did nothing, or what it did was taken back."""
        return Status.CHANGED not in self._acts

    @property
    def _acts(self) -> set[Status]:
        return {step.status for task in self.tasks if not task.bracket for step in task.steps if not step.undo_of}

    def task(self, id: str) -> TaskRecord:
        """Return the record of one task; KeyError when the run has none of that id."""
        return {task.id: task for task in self.tasks}[id]
