"""Run the command and the questions around it; the facts are their answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstay.kinds.command import suite
from mainstay.kinds.command.junit import Suite
from mainstay.kinds.command.settings import Argv, Settings
from mainstay.kinds.kind import Session
from mainstay.model.errors import StepFailed
from mainstay.model.plan import OnUnknown
from mainstay.model.setting import SecretRef
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system import clock, secrets
from mainstay.system.clock import Deadline
from mainstay.system.process import Completed, Door, legible


@dataclass(frozen=True)
class Facts:
    """What is known of a command: None means that no such question is configured, or that it was not run by this session."""

    at: datetime
    command: Settings
    ready: bool | None = None  # `before` ended with 0
    sound: bool | None = None  # `after` ended with 0
    done: bool | None = None  # `done` ended with 0
    ran: str = ""  # what this session has run with success: "run", "undo", "hold" or "lift"
    suite: Suite | None = None  # what the tests that this session ran have reported
    live: str = ""  # what of a destructive suite's environment is a target of this site


@dataclass
class Shell:
    """What this session has run."""

    settings: Settings
    ran: str = ""
    suite: Suite | None = None
    known: list[secrets.Secret] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """Return the variables, secrets resolved; what was resolved is masked in every output."""
        return {name: self._value(value) for name, value in self.settings.environment.items()}

    def _value(self, value: str | SecretRef) -> str:
        if isinstance(value, str):
            return value
        self.known.append(secrets.resolve(value))
        return self.known[-1].reveal()


@contextmanager
def connect(target: Target, _door: Door) -> Iterator[Shell]:
    """Open nothing; remember what this session runs."""
    yield Shell(target.settings)


def observe(session: Session) -> Facts:
    """Ask the configured questions."""
    settings: Settings = session.target.settings
    return Facts(
        at=clock.now(),
        command=settings,
        ready=_ask(session, settings.before),
        sound=_ask(session, settings.after),
        done=_ask(session, settings.done),
        ran=session.connection.ran,
        suite=session.connection.suite,
        live=suite.live(session),
    )


def run(session: Session, argv: Argv, deadline: Deadline) -> Completed:
    """Run a command with the configured environment; what it printed goes into the record, secrets masked."""
    shell: Shell = session.connection
    door = replace(session.door, cwd=shell.settings.cwd, keep=shell.settings.keep_output)
    done = door.run(argv, deadline.left, env=shell.environment())
    printed = (legible(stream).strip() for stream in (done.stdout, done.stderr))
    text = "\n".join(secrets.redact(part, shell.known, cut=bool(done.cut)) for part in printed if part)
    cut = f"\n[{done.cut} more were cut off]" if done.cut else ""
    if text:
        session.output.append(text + cut)
    return done


def require(done: Completed, codes: tuple[int, ...], what: str) -> None:
    """Raise StepFailed unless the exit code is one of those that mean success."""
    if done.code not in codes:
        expected = ", ".join(str(code) for code in codes)
        raise StepFailed(
            what, on=done.argv[0], because=f"exit code {done.code}, expected {expected}", next="its output is in the run's record"
        )


def on_unknown(settings: Settings) -> OnUnknown:
    """Return how recovery finds out whether it happened."""
    return OnUnknown.PROBE if settings.done else OnUnknown(settings.on_unknown)


def _ask(session: Session, argv: Argv) -> bool | None:
    if not argv:
        return None
    shell: Shell = session.connection
    door = replace(session.door, cwd=shell.settings.cwd)
    return door.run(argv, Duration(min(60, shell.settings.timeout)), env=shell.environment()).code == 0
