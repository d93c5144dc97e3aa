"""What all tasks on logs share: they decide from the same facts, and a system call that fails is a failed step."""

from __future__ import annotations

from collections.abc import Callable

from mainstay.kinds.kind import Deferred, NoParams, Session, TaskKind
from mainstay.kinds.logs.facts import Facts
from mainstay.kinds.logs.look import look
from mainstay.model.errors import StepFailed
from mainstay.model.plan import On, Step, shown
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline

_SLOWEST = 5_000_000  # bytes a second that even a busy disk gives


class LogTask(TaskKind[Facts, NoParams]):
    """A task on logs. The policy is the target's settings, so that every task and every ad-hoc run has the same limits."""

    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Look at all logs, or at those that a step is about: `("log", path, ...)`."""
        seen = look(session)
        return seen.of(on[1:]) if on else seen

    def apply(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Do it; an error of the operating system is a failed step."""
        try:
            return super().apply(session, step, deadline)
        except OSError as error:
            raise StepFailed(f"cannot {step.action}", on=shown(step.on), because=error.strerror or str(error)) from error


def time_for(size: int) -> Duration:
    """Return the deadline of an act that reads and writes so many bytes."""
    return Duration(60 + size / _SLOWEST)


def beating(session: Session, deadline: Deadline, total: int) -> Callable[[int], None]:
    """Return what a long loop calls with the bytes done: it shows progress and stops when time or patience is over."""

    def beat(done: int) -> None:
        session.pulse(deadline)
        session.progress(done, total, "B")

    return beat
