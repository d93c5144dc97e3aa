"""A scene: a small real target in which a task has something to do, and a way to work on it as the engine does.

A kind's scenes are a dictionary from a name to a function that builds the scene in an empty folder: `tests/laws/scenes/KIND.py`,
or, for a kind from outside, the entry point `KIND` of the group `mainstay.scenes`, with its case files in `cases/` beside it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from mainstay.engine.rehearse import Rehearser
from mainstay.kinds import registry
from mainstay.kinds.kind import Session, TaskKind
from mainstay.model.plan import Step, Undo
from mainstay.model.target import Target
from mainstay.model.task import Routine
from mainstay.system.process import Door

RUN = "run-1.task"


@dataclass(frozen=True)
class Scene:
    """One task on one target that needs it.

    ambiguous     plants a state in which nobody may say that a step happened
    others        targets that this one backs up
    routines      what a rehearsal can be of
    undo_keeps    why an undo leaves what a finished step made, "" when it returns to the state before
    acts_anew     why doing a step twice leaves other bytes than doing it once, "" when it does not
    contents      returns what the target holds, where that is no file below the scene's folder: a database at a server
    close         ends what the scene started
    """

    task: str
    target: Target
    params: Any
    ambiguous: Callable[[Step], None] | None = None
    others: tuple[Target, ...] = ()
    routines: tuple[Routine, ...] = ()
    undo_keeps: str = ""
    acts_anew: str = ""
    contents: Callable[[], Any] | None = None
    close: Callable[[], object] = field(default=lambda: None)
    tag: str = field(default_factory=lambda: f"law-{secrets.token_hex(4)}")  # scenes of tests side by side do not end each other

    @property
    def kind(self) -> TaskKind[Any, Any]:
        """The kind of the task."""
        return registry.load(self.target.kind).task(self.task)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a new session, as the engine does for one turn."""
        connect, door = registry.load(self.target.kind).connect, Door(tag=self.tag)
        makers = {other.name: (registry.load(other.kind).store, other) for other in self.others}
        made = {name: make(other, door) for name, (make, other) in makers.items() if make}
        stores = {name: store for name, store in made.items() if store}
        targets = {other.name: other for other in (self.target, *self.others)}
        practice = Rehearser({one.name: one for one in self.routines}, registry.load)
        session = Session(self.target, door, stores=stores, targets=targets, practice=practice, site="law", ledger_head="abc")
        if connect is None:
            yield session
            return
        with connect(self.target, door) as session.connection:
            yield session

    def steps(self) -> list[Step]:
        """Observe and plan; a scene in which nothing has to be done is a mistake."""
        with self.session() as session:
            planned = self.kind.plan(self.kind.observe(session), self.params, RUN)
        steps = [item for item in planned if isinstance(item, Step)]
        assert steps, [str(item.because) for item in planned]
        return steps


def undo_of(step: Step) -> Step | None:
    """Return the step that takes one back, as the engine makes it; None when there is none."""
    if not isinstance(step.reverse, Undo):
        return None
    return Step(f"{step.id}~undo", step.reverse.action, step.on, step.because, step.impact, args=step.reverse.args)
