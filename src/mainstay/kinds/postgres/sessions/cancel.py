"""End statements and idle transactions that take too long: only where an operator has listed whose."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.kinds.postgres.sessions.backends import Backend, BackendFacts, look_backends, untouchable
from mainstay.kinds.postgres.sessions.ending import end, still_at_it
from mainstay.model.because import Because, because
from mainstay.model.plan import Impact, On, OneWay, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline

_LOSS = OneWay("its open transaction is rolled back, as after any error; its client is told and can try again")


@dataclass(frozen=True)
class CancelParams:
    """How long is too long, and for whom. Each list that is not empty has to match; one at least must not be empty."""

    longer_than: Annotated[Duration | None, Setting("how long a statement may run", ge=0, example="15m")] = None
    idle_in_transaction_longer_than: Annotated[
        Duration | None, Setting("how long a transaction may wait for its client", ge=0, example="10m")
    ] = None
    users: Annotated[tuple[str, ...], Setting("roles whose sessions may be ended, as patterns", example="[app, 'report_*']")] = ()
    applications: Annotated[
        tuple[str, ...], Setting("application names whose sessions may be ended, as patterns", example="[web]")
    ] = ()
    databases: Annotated[tuple[str, ...], Setting("databases whose sessions may be ended, as patterns", example="[app]")] = ()
    grace: Annotated[Duration, Setting("how long a cancelled statement may take before its session ends", ge=0)] = Duration(10)
    at_most: Annotated[int, Setting("more sessions than this are never ended at once", ge=1)] = 5


class Cancel(TaskKind[BackendFacts, CancelParams]):
    """Cancel first; end the session when that does not help. Backups, replication, vacuums and superusers are never touched."""

    name = "cancel"
    summary = "cancel statements and end idle transactions that take too long, of users or applications on a list"
    task_class = TaskClass.CHANGE
    impact = Impact.LOAD
    relieves = ("cpu", "connections")
    evidence = ("activity", "check")
    facts = BackendFacts
    params = CancelParams

    def observe(self, session: Session, on: On | None = None) -> BackendFacts:
        """Look at who is at work, and who waits for whom."""
        return look_backends(session, on)

    def plan(self, facts: BackendFacts, params: CancelParams, name: str) -> list[Step | Skip]:
        """Begin with who holds up the most others, then with the oldest."""
        ordered = sorted(facts.backends, key=lambda one: (-len(facts.held_up(one)), -(one.age or 0)))
        planned, taken = [], 0
        for backend in ordered:
            reason = untouchable(backend) or _young(backend, params) or _unlisted(backend, params)
            reason = reason or (
                because("sessions", taken + 1, ">", params.at_most, "at_most") if taken >= params.at_most else None
            )
            planned.append(Skip(backend.on, reason) if reason else _step(backend, facts, params))
            taken += not reason
        return planned

    def verify(self, before: BackendFacts, after: BackendFacts, step: Step) -> str | None:
        """The session is gone, or no longer at what it did."""
        return "it is still at it" if still_at_it(after, step) else None

    @action("cancel")
    def cancel(self, session: Session, step: Step, deadline: Deadline) -> None:
        """End the statement, or the session."""
        end(session, step, deadline)


def _step(backend: Backend, facts: BackendFacts, params: CancelParams) -> Step:
    limit, param = _limit(backend, params)
    held, what = facts.held_up(backend), "idle in transaction" if backend.idle else "statement"
    waiting = f", for which {', '.join(map(str, held))} wait" if held else ""
    why = because(f"{what} of {backend.role}{waiting}", backend.age, ">", limit, param)
    args = {"pid": backend.pid, "started": backend.started, "since": backend.since, "state": backend.state, "grace": params.grace}
    deadline = Duration(params.grace + 60)
    return Step(f"cancel {backend.pid}", "cancel", backend.on, why, Impact.LOAD, _LOSS, args, deadline=deadline)


def _limit(backend: Backend, params: CancelParams) -> tuple[Duration | None, str]:
    if backend.idle:
        return params.idle_in_transaction_longer_than, "idle_in_transaction_longer_than"
    return params.longer_than, "longer_than"


def _young(backend: Backend, params: CancelParams) -> Because | None:
    limit, param = _limit(backend, params)
    if limit is None or backend.age is None:
        return because(param, "not set")
    return because(f"age of {backend.query}", backend.age, "<=", limit, param) if backend.age <= limit else None


def _unlisted(backend: Backend, params: CancelParams) -> Because | None:
    """Say which list it is not on; without any list nobody is."""
    lists = {"users": (params.users, backend.role), "applications": (params.applications, backend.application)}
    lists["databases"] = (params.databases, backend.database)
    if not any(patterns for patterns, _ in lists.values()):
        return because("no list says whose sessions may be ended: users, applications or databases", None)
    for param, (patterns, value) in lists.items():
        if patterns and not any(fnmatchcase(value, pattern) for pattern in patterns):
            return because(param.removesuffix("s"), value, "not in", ", ".join(patterns), param)
    return None
