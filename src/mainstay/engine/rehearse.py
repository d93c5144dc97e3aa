"""Do the tasks of a routine to a copy of their target as a run would do them to the target, and then take all of it back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mainstay.engine import act
from mainstay.kinds.kind import Kind, Session, TaskKind
from mainstay.model.codec import decode, encode
from mainstay.model.errors import Cancelled, MainstayError
from mainstay.model.figure import Figure
from mainstay.model.plan import OneWay, Step, Undo
from mainstay.model.rehearsal import Act, Piece, Tried
from mainstay.model.target import Target
from mainstay.model.task import Routine, Task
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline


@dataclass(frozen=True)
class Rehearser:
    """Knows what the routines of a site would do, and does it where nobody is: see `kinds.kind.Practice`."""

    routines: Mapping[str, Routine]
    load: Callable[[str], Kind]
    keep: Callable[[str, Figure], None] = lambda _target, _figure: None  # how long a task took on the copy of a target

    def pieces(self) -> dict[str, tuple[Piece, ...]]:
        """Return the tasks of every routine, brackets first."""
        return {one.name: tuple(map(self._piece, (*one.around, *one.tasks))) for one in self.routines.values()}

    def perform(
        self, session: Session, pieces: tuple[Piece, ...], copy: Target, name: str, deadline: Deadline
    ) -> tuple[Tried, ...]:
        """Do every task to a copy, one after the other; then take back what can be, the last first, as a rollback does."""
        played: list[_Played] = []
        for piece in pieces:
            failed = {one.piece.task for one in played if one.tried.failure}
            one = _Played(piece, self.load(copy.kind).task(piece.name))
            played.append(one)
            if missing := [need for need in piece.needs if need in failed]:
                one.left_out = f"it needs {missing[0]}, which failed"
            else:
                self._forward(session, one, copy, f"{name}.{piece.task}", deadline)
        for one in reversed(played):
            self._back(session, one, copy, deadline)
            if one.acts and not one.tried.failure:
                self.keep(copy.name, Figure(took_of(one.piece.name), one.tried.took, "s"))
        return tuple(one.tried for one in played)

    def _piece(self, task: Task) -> Piece:
        kind = self.load(task.target.kind).task(task.name)
        return Piece(
            task.id, task.target.name, task.target.kind, task.name, encode(task.params), task.needs, _why_not(kind, task.target)
        )

    def _forward(self, session: Session, one: _Played, copy: Target, name: str, deadline: Deadline) -> None:
        """Look, plan, and do each step with its proof; what was done by a task that fails is taken back at once."""
        try:
            with self._opened(session, copy) as opened:
                _plan(opened, one, name)
                for step in one.planned:
                    one.acts.append(_done(opened, one.kind, step, deadline))
                    if one.acts[-1].trouble:
                        one.trouble = _left(opened, one.kind, step, deadline)
                        break
                    one.done.append(step)
        except Cancelled:
            raise
        except MainstayError as error:
            session.pulse(deadline)
            one.trouble = _said(error)
        if one.tried.failure:
            self._back(session, one, copy, deadline)

    def _back(self, session: Session, one: _Played, copy: Target, deadline: Deadline) -> None:
        """Take back the steps that have an undo, the last first."""
        undos = [act.undo_step(step) for step in reversed(one.done) if isinstance(step.reverse, Undo)]
        one.done.clear()
        if undos:
            with self._opened(session, copy) as opened:
                for undo in undos:
                    done = _done(opened, one.kind, undo, deadline)
                    one.acts.append(replace(done, step=undo.id.removesuffix(act.UNDO), undo=True))

    @contextmanager
    def _opened(self, session: Session, copy: Target) -> Iterator[Session]:
        """Open a session to a copy, which knows nothing else of the site."""
        door = replace(session.door, place=copy.place)
        opened = Session(copy, door, targets={copy.name: copy}, site=session.site, progress=session.progress)
        connect = self.load(copy.kind).connect
        if connect is None:
            yield opened
            return
        with connect(copy, door) as opened.connection:
            yield opened


def took_of(name: str) -> str:
    """Name the figure that says how long a task took on a copy."""
    return f"rehearsed {name}"


@dataclass
class _Played:
    """One task while it is rehearsed: what was planned, what was done and is not taken back, and every act."""

    piece: Piece
    kind: TaskKind[Any, Any]
    planned: tuple[Step, ...] = ()
    done: list[Step] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    left_out: str = ""
    nothing: str = ""
    trouble: str = ""

    @property
    def tried(self) -> Tried:
        """Return what has become of it."""
        begun = {one.step for one in self.acts}
        kept = tuple(step.id for step in self.planned if isinstance(step.reverse, OneWay) and step.id in begun)
        return Tried(self.piece.task, tuple(self.acts), self.left_out, self.nothing, self.trouble, kept)


def _why_not(kind: TaskKind[Any, Any], target: Target) -> str:
    """Say why a task cannot be tried on any copy, "" when it can."""
    if kind.bracket:
        return "it stays in force around others, at what users see"
    if kind.waits:
        return "a person does it"
    if not kind.actions:
        return "it only looks"
    if target.privilege == "root":
        return "it needs root"
    return "" if kind.rehearsable else "what it does does not stay in its target"


def _plan(opened: Session, one: _Played, name: str) -> None:
    """Decide as the routine would; what the undo of a step needs has to be there."""
    params: Any = decode(one.kind.params, one.piece.params)
    decided = one.kind.plan(one.kind.observe(opened), params, name)
    one.planned = tuple(item for item in decided if isinstance(item, Step))
    missing = [why for step in one.planned if isinstance(step.reverse, Undo) for why in one.kind.lacking(opened, step)]
    if missing:
        one.trouble, one.planned = f"its undo lacks {missing[0]}", ()
    elif not one.planned:
        one.nothing = str(decided[0].because) if decided else "it found nothing"


def _done(opened: Session, kind: TaskKind[Any, Any], step: Step, deadline: Deadline) -> Act:
    """Do one act within its own time, and look whether it happened."""
    began, within = clock.monotonic(), Deadline(Duration(min(step.deadline, deadline.left)))
    try:
        before = kind.observe(opened, step.on)
        deferred = kind.apply(opened, step, within)
        why = kind.verify(before, kind.observe(opened, step.on), step)
        trouble = f"put off: {deferred.because}" if deferred else f"not proven: {why}" if why else ""
    except Cancelled:
        raise
    except MainstayError as error:
        opened.pulse(deadline)  # it may be the rehearsal that has to stop
        trouble = _said(error)
    return Act(step.id, Duration(clock.monotonic() - began), trouble=trouble)


def _left(opened: Session, kind: TaskKind[Any, Any], step: Step, deadline: Deadline) -> str:
    """Take away what an attempt has left half made; say why that failed."""
    try:
        kind.tidy(opened, step, deadline)
    except Cancelled:
        raise
    except MainstayError as error:
        opened.pulse(deadline)
        return f"what it left cannot be taken away: {_said(error)}"
    return ""


def _said(error: MainstayError) -> str:
    return str(error).partition("\n")[0]
