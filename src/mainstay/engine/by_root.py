"""Targets that need root, in a process that is not: the root unit looks and acts; deciding, proving and the journal stay here.

Nothing that is sent gives it an order: it reads the configuration by itself, looks and plans by itself, and does a step only if
it is one of its own plan. What is sent says which.
"""

from __future__ import annotations

import getpass
import os
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from mainstay.kinds.kind import Deferred, Session, TaskKind
from mainstay.model import errors
from mainstay.model.because import Because
from mainstay.model.codec import decode, encode
from mainstay.model.errors import Refused, StepFailed, Unknown, Unreachable
from mainstay.model.plan import On, Step
from mainstay.model.target import Target
from mainstay.model.task import Task
from mainstay.model.units import Duration, Size
from mainstay.system import unix
from mainstay.system.clock import Deadline

LOOKING = Duration(600)  # the longest that a look may take
_ENDING = Duration(30)  # for the other end to stop what it does, and to say so
_TRANSFER = Duration(60)
_MOST = Size(64_000_000)  # of an answer
_TICK = 0.2
_ERRORS = (errors.Cancelled, errors.DeadlinePassed, errors.Unknown, errors.Unreachable)


@dataclass(frozen=True)
class Question:
    """What is asked of the root unit: a look at all of a target or at one object, an act, or to tidy after one.

    run   the run for which it plans after a look at all; what is asked later for that run has to be of that plan
    held  names that nothing may delete now: a step on one of them is left out of the plan
    left  how long it may take
    """

    do: Literal["look", "act", "tidy"]
    task: str
    run: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    on: On | None = None
    step: Step | None = None
    left: Duration = LOOKING


def is_needed(target: Target) -> bool:
    """Return whether this process cannot work on a target by itself."""
    return target.privilege == "root" and os.geteuid() != 0


def missing(where: Path, targets: list[str]) -> Refused | None:
    """Return the refusal of work on targets that need root, as long as nobody does it."""
    if where.is_socket() and os.access(where, os.W_OK):
        return None
    why = f"is not open to {getpass.getuser()}" if where.is_socket() else "is not there"
    return Refused(
        "nobody would do the steps that need root",
        on=", ".join(dict.fromkeys(targets)),
        because=f"this process is not root, and the socket of the root unit, {where}, {why}",
        next="run it as root, or have root call `mainstay install`, which makes mainstay-root.socket",
    )


def lent(kind: TaskKind[Any, Any], task: Task, where: Path) -> TaskKind[Any, Any]:
    """Return a kind of task that decides as before, and whose looks and acts are the root unit's."""
    mixed = type(f"Root{type(kind).__name__}", (_Lent, type(kind)), {})
    made: Any = object.__new__(mixed)
    vars(made).update(vars(kind), task=task, where=where)
    return cast("TaskKind[Any, Any]", made)


class _Lent:
    """What of a kind of task is done by the root unit."""

    facts: ClassVar[type]
    task: Task
    where: Path

    def observe(self, session: Session, on: On | None = None) -> Any:
        """Have it look. What an act was seen to lead to came with its answer: what a kind knows of its own act is known there."""
        if on is not None and session.connection is not None:
            seen, session.connection = session.connection, None
            return decode(self.facts, seen)
        asked = self._question("look", session, params=encode(self.task.params), on=on)
        try:
            return decode(self.facts, _sound(_ask(self.where, asked, session.door.stop))["facts"])
        except Unknown as error:
            raise Unreachable(error.what, on=error.on, because=error.because, next=error.next) from error

    def apply(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Have it do a step; Unknown when it is not heard of again."""
        session.pulse(deadline)
        answer = _ask(self.where, self._question("act", session, step=step, left=deadline.left), session.door.stop)
        session.output += answer.get("output", ())
        session.connection = _sound(answer)["after"]
        return Deferred(decode(Because, answer["deferred"])) if answer["deferred"] else None

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Have it take away what an attempt has left."""
        _sound(_ask(self.where, self._question("tidy", session, step=step, left=deadline.left), session.door.stop))

    def _question(self, do: Literal["look", "act", "tidy"], session: Session, **more: Any) -> Question:
        """Return a question for the run of a session, if it has one."""
        run = session.door.tag.partition("/")[0]
        return Question(do, self.task.id, run, held=tuple(sorted(session.held)), **more)


def _ask(where: Path, question: Question, stop: Callable[[], bool]) -> dict[str, Any]:
    """Return the answer; Unknown when there is none, Unreachable when nobody is there to be asked."""
    if why := missing(where, [question.task]):
        raise Unreachable(why.what, on=why.on, because=why.because, next=why.next)
    with unix.connected(where) as way:
        try:
            way.settimeout(_TRANSFER)
            unix.send(way, encode(question))
            answer = _answer(way, Deadline(Duration(question.left + _ENDING)), stop)
        except (OSError, ValueError) as error:
            raise _gone(where, str(error)) from error
    if answer is None:
        raise _gone(where, "it ended before it had answered")
    return answer


def _answer(way: socket.socket, until: Deadline, stop: Callable[[], bool]) -> dict[str, Any] | None:
    """Wait for an answer. When the time is over or somebody wants it to stop, hang up, which the other end obeys and answers."""
    hung_up: Deadline | None = None
    while not select.select([way], [], [], _TICK)[0]:
        if hung_up is None and (stop() or not until.left):
            way.shutdown(socket.SHUT_WR)
            hung_up = Deadline(_ENDING)
        elif hung_up and not hung_up.left:
            raise TimeoutError(f"it did not stop within {_ENDING}")
    return next(unix.receive(way, _MOST, _TRANSFER), None)


def _gone(where: Path, because: str) -> Unknown:
    return Unknown("the root unit went away", on=str(where), because=because, next="journalctl -u 'mainstay-root@*'")


def _sound(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer, or raise the error that it is; a refusal is a step that has failed here, so that somebody hears of it."""
    found = answer.get("error")
    if found is None:
        return answer
    kind = next((one for one in _ERRORS if one.__name__ == found["kind"]), StepFailed)
    raise kind(found["what"], on=found["on"], because=found["because"], next=found["next"])
