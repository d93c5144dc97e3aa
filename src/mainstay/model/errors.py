"""The error tree: one class for each thing that the engine must do about it.

MainstayError
├── ConfigError      the configuration or the call is wrong: report every mistake at once      exit 2
├── Refused          a gate said no: nothing was started                                      exit 3
├── Unreachable      the other side did not answer: try again later                           exit 4
├── StepFailed       an act failed: undo, report                                              exit 1
│   └── Cancelled    a person asked to stop: as StepFailed, but nobody is alarmed             exit 1
├── DeadlinePassed   an act took longer than it may: stop it cleanly, then as StepFailed      exit 1
└── Unknown          nobody can tell whether the act happened: settle before going on         exit 1

Everything else that is raised is a bug: it is journaled, raised again and ends with exit 70.
"""

from __future__ import annotations

from dataclasses import dataclass

from mainstay.model.target import Origin


class MainstayError(Exception):
    """A failure that says what, on what, because of what, and what to do next."""

    exit_code = 1

    def __init__(self, what: str, *, on: str = "", because: str = "", next: str = "") -> None:
        super().__init__(what)
        self.what, self.on, self.because, self.next = what, on, because, next

    def __str__(self) -> str:
        parts = [self.what, f" ({self.on})" if self.on else "", f": {self.because}" if self.because else ""]
        return "".join(parts) + (f"\n  next: {self.next}" if self.next else "")


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in the configuration: where, which value, why, and the nearest thing that is right."""

    origin: Origin
    path: str
    problem: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f"; {self.suggestion}" if self.suggestion else ""
        return f"{self.origin}: {self.path}: {self.problem}{hint}"


class ConfigError(MainstayError):
    """The configuration or the call is wrong; `mistakes` holds all of them, in the order of the file."""

    exit_code = 2

    def __init__(self, what: str, mistakes: tuple[Mistake, ...] = (), *, next: str = "") -> None:
        super().__init__(what, next=next)
        self.mistakes = mistakes

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


class Refused(MainstayError):
    """A gate said no; nothing was started."""

    exit_code = 3


class Unreachable(MainstayError):
    """The other side did not answer in time."""

    exit_code = 4


class StepFailed(MainstayError):
    """An act failed; what it changed is undone where it can be."""


class Cancelled(StepFailed):
    """A person asked the run to stop."""


class DeadlinePassed(MainstayError):
    """An act took longer than it may and was stopped."""


class Unknown(MainstayError):
    """Nobody can tell whether the act happened; nothing goes on before this is settled."""
