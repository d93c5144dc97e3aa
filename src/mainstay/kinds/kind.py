"""What a kind of maintained thing is, and what a kind of task is: the contract that every folder beside this file fulfils."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from mainstay.model.because import Because, Finding
from mainstay.model.emergency import Symptom
from mainstay.model.errors import Cancelled
from mainstay.model.figure import Figure, Series
from mainstay.model.plan import Impact, On, Skip, Step
from mainstay.model.rehearsal import Piece, Tried
from mainstay.model.target import Target
from mainstay.model.task import Category, Lock, OnStop, TaskClass
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from mainstay.vault.store import Store, Work

F = TypeVar("F")
P = TypeVar("P")
Act = Callable[[Any, "Session", Step, Deadline], "Deferred | None"]


@dataclass(frozen=True)
class Deferred:
    """An act that could not be done now, which is not a failure (a lock race that was lost, say)."""

    because: Because


@dataclass(frozen=True)
class NoParams:
    """A task without parameters."""


class Practice(Protocol):
    """How a task has the tasks of routines tried on copies; the engine lends it, so that no kind has to know another."""

    def pieces(self) -> dict[str, tuple[Piece, ...]]:
        """Return the tasks of every routine, by its name, each with the reason why it cannot be tried, if there is one."""

    def perform(
        self, session: Session, pieces: tuple[Piece, ...], copy: Target, name: str, deadline: Deadline
    ) -> tuple[Tried, ...]:
        """Do tasks to a copy of their target and take them back. `name` is unique to the rehearsal."""


@dataclass
class Session:
    """One task's way to its target, opened by the engine for one turn.

    connection  what the kind's `connect` yields; None where a kind needs none
    last        this task's facts of its previous run, or None
    held        names that nothing may delete now: an unsettled run needs them for its undo
    stores      how each target of the site is dumped and loaded, by target name
    targets     every target of the site, by name
    practice    how the tasks of routines are tried on copies
    site        the name of the site
    ledger_head the hash of the newest event in the journal, which a backup keeps
    output      what an act wants to have written down beside its end row; bounded and free of secrets
    progress    called with done, total (0 = unknown) and unit
    history     called with a moment and names: those figures of this target, from that moment on
    """

    target: Target
    door: Door
    connection: Any = None
    last: Any = None
    held: frozenset[str] = frozenset()
    stores: Mapping[str, Store] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    practice: Practice | None = None
    site: str = ""
    ledger_head: str = ""
    output: list[str] = field(default_factory=list)
    progress: Callable[[float, float, str], None] = field(default=lambda _done, _total, _unit: None)
    history: Callable[[datetime, Iterable[str]], Mapping[str, Series]] = field(default=lambda _since, _names: {})

    def work(self, deadline: Deadline, total: int = 0) -> Work:
        """Return work for the vault: it shows the bytes that have moved, of `total`, and stops as `pulse` does."""

        def check(done: int) -> None:
            self.pulse(deadline)
            self.progress(done, total, "B")

        return Work(deadline, check)

    def pulse(self, deadline: Deadline) -> None:
        """Call this in every long loop: it raises DeadlinePassed or Cancelled when the work has to stop."""
        deadline.check("stopped", on=self.target.name)
        if self.door.stop():
            raise Cancelled("stopped", on=self.target.name, because="the run was cancelled")


class TaskKind(ABC, Generic[F, P]):
    """A kind of task. Deciding (`plan`, `assess`, `verify`) is pure: no connection, no clock, no process.

    An act is a method marked with `@action("name")`: `(session, step, deadline) -> None | Deferred`. It gets everything from
    `step.args`, which were pinned in the journal before it started. Action names and arguments outlive upgrades.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    task_class: ClassVar[TaskClass]
    impact: ClassVar[Impact] = Impact.NONE  # the highest that any step may have
    facts: ClassVar[type]
    params: ClassVar[type] = NoParams
    waits: ClassVar[bool] = False  # a person answers: the run is parked, and no act is done
    proves: ClassVar[str] = ""  # the task of the same target that makes the copies which this one proves restorable
    relieves: ClassVar[tuple[Symptom, ...]] = ()  # what it helps against in an emergency
    evidence: ClassVar[tuple[str, ...]] = ("check",)  # tasks of the same target whose looks are kept before it is used for that
    on_stop: ClassVar[OnStop] = ""  # what becomes of its step under way when the run is to stop, where nobody says; see Task
    teaches: ClassVar[bool] = False  # a drill: after it the runbook is to be looked at
    rehearsable: ClassVar[bool] = False  # all that it does stays in its target, so that it can be tried on a copy of that
    bracket: ClassVar[bool] = False  # its step stays in force around other tasks and is always taken back
    actions: ClassVar[dict[str, Act]] = {}

    def __init_subclass__(cls) -> None:
        """Collect the acts."""
        super().__init_subclass__()
        own = {act.action_name: act for act in vars(cls).values() if hasattr(act, "action_name")}
        cls.actions = {**cls.actions, **own}

    @abstractmethod
    def observe(self, session: Session, on: On | None = None) -> F:
        """Look, and change nothing. With `on`, look at that object only (before and after an act, and to probe)."""

    def plan(self, facts: F, params: P, name: str) -> list[Step | Skip]:
        """Decide. `name` is unique to this run and task: whatever a step creates carries it."""
        return []

    def assess(self, facts: F, params: P) -> list[Finding]:
        """Judge the facts; findings are shown by `check` and in reports."""
        return []

    def worsened(self, before: F, after: F, params: P) -> list[Finding]:
        """Compare a look after a run with the one before it: what is worse, whatever `assess` makes of each alone.

        Asked after the work and in the watch period; a critical finding makes the run degraded.
        """
        return []

    def verify(self, before: F, after: F, step: Step) -> str | None:
        """Return None if the facts prove that the step (or its undo: look at `step.action`) happened, else why not."""
        raise NotImplementedError

    def lacking(self, session: Session, step: Step) -> tuple[str, ...]:
        """Return what the undo of a planned step needs and is not there now; asked before the first step starts.

        What the step itself keeps for its undo is none of it: that is made before anything is changed.
        """
        return ()

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take away what an attempt that did not finish has left half made; called after a failure and after a crash.

        It bears being repeated, and finds nothing after an attempt that never began. What it cannot take away, it raises.
        """

    def figures(self, facts: F) -> Iterable[Figure]:
        """Return the numbers of an observation that are worth a history."""
        return ()

    def highest_impact(self, settings: Any, params: P) -> Impact:
        """Return the highest impact that any step may have on a target with these settings, when asked with these params."""
        return self.impact

    def locks(self, resource: str, params: P) -> tuple[Lock, ...]:
        """Return what the task needs for itself; `resource` is the identity of its target."""
        return () if self.task_class is TaskClass.CHECK else (Lock(resource),)

    def apply(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Do it; nothing is begun when its time is over."""
        session.pulse(deadline)
        return self.actions[step.action](self, session, step, deadline)


def action(name: str) -> Callable[[Any], Any]:
    """Mark a method of a task kind as the act of that name."""

    def mark(method: Any) -> Any:
        method.action_name = name
        return method

    return mark


def own_name(target: Target) -> str:
    """Identify a target by its name; kinds whose targets are files or servers identify them by what they are."""
    return f"{target.kind}:{target.name}"


@dataclass(frozen=True)
class Found:
    """Something that `mainstay init` came across: a target for the file, with a comment that says why."""

    name: str
    settings: dict[str, Any]
    comment: str
    tasks: tuple[str, ...] = ()  # "rotate", "retention", ...: what the daily routine should do with it
    weekly: tuple[str, ...] = ()


@dataclass(frozen=True)
class Apart:
    """The tasks of a large kind, each in a module that is imported when the task is asked for: most commands need few of them.

    package  the kind's own
    places   where in it each task is, as in {"vacuum": "vacuum.vacuum:Vacuum"}
    """

    package: str
    places: Mapping[str, str]

    def __iter__(self) -> Iterator[TaskKind[Any, Any]]:
        """Import them all."""
        return map(self.task, self.places)

    def task(self, name: str) -> TaskKind[Any, Any]:
        """Import one; KeyError when there is none of that name."""
        module, _, of = self.places[name].partition(":")
        made: TaskKind[Any, Any] = getattr(importlib.import_module(f"{self.package}.{module}"), of)()
        return made


@dataclass(frozen=True)
class Kind:
    """A kind of maintained thing. `connect` opens what its tasks need; `store` is how its targets are backed up.

    resource  identity of a target: two targets of one identity are never worked on at once
    discover  looks around on this host for targets of this kind (for `mainstay init`)
    scalar    asks what `connect` has opened a query that an operator wrote, and returns its first value; it changes nothing
    """

    name: str
    summary: str
    settings: type
    tasks: tuple[TaskKind[Any, Any], ...] | Apart
    category: Category = "application"
    connect: Callable[[Target, Door], AbstractContextManager[Any]] | None = None
    resource: Callable[[Target], str] = own_name
    store: Callable[[Target, Door], Store | None] | None = None
    discover: Callable[[], list[Found]] | None = None
    scalar: Callable[[Any, str], Any] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its tasks."""
        return tuple(self.tasks.places) if isinstance(self.tasks, Apart) else tuple(task.name for task in self.tasks)

    def task(self, name: str) -> TaskKind[Any, Any]:
        """Return the task kind of that name; KeyError when there is none."""
        return self.tasks.task(name) if isinstance(self.tasks, Apart) else {task.name: task for task in self.tasks}[name]
