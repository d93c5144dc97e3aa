"""What the configuration asks for: tasks, routines, windows, and the site that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from mainstay.model.plan import Impact
from mainstay.model.service import Checks, Role, Serve
from mainstay.model.target import Origin, Target
from mainstay.model.units import Duration

Category = Literal["system", "application", "data", "infrastructure"]


class TaskClass(StrEnum):
    """What a task is for: backups and checks are exempt from blackouts."""

    BACKUP = "backup"
    CHECK = "check"
    CARE = "care"
    CHANGE = "change"


@dataclass(frozen=True)
class Lock:
    """A resource that a task needs for itself, or together with others."""

    resource: str
    exclusive: bool = True


@dataclass(frozen=True)
class Task:
    """One task as configured: `params` is the parameter dataclass of the task kind, `origins` the line of each parameter."""

    id: str  # "db.vacuum"
    target: Target
    name: str  # "vacuum"
    params: Any
    needs: tuple[str, ...] = ()
    budget: Duration | None = None
    category: Category = "application"
    origin: Origin | None = None
    origins: dict[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """A routine's demand: each of these targets has a copy that was proven restorable no longer ago than `within`."""

    of: tuple[str, ...]
    within: Duration
    origin: Origin | None = None


@dataclass(frozen=True)
class Routine:
    """An ordered list of tasks. `around` are brackets, outer first; `checks` must pass before and after."""

    name: str
    tasks: tuple[Task, ...]
    around: tuple[Task, ...] = ()
    checks: tuple[Task, ...] = ()
    cadence: str = ""
    all_or_nothing: bool = False
    window: str = ""
    replaces: tuple[str, ...] = ()  # routines that are left out on a day on which this one is due
    proof: Proof | None = None
    watch: Duration = Duration(0)
    rollback: Duration = Duration(0)  # how long taking everything back may last
    buffer: Duration = Duration(0)
    queue: Duration = Duration(0)  # how long to wait for a lock that another run holds
    origin: Origin | None = None


@dataclass(frozen=True)
class Window:
    """When a routine may run: `rule` is a calendar rule (see `schedule.rules`), `length` how long each slot lasts."""

    name: str
    rule: str
    length: Duration
    max_impact: Impact = Impact.LOAD
    origin: Origin | None = None


@dataclass(frozen=True)
class Site:
    """Everything that one configuration says."""

    name: str
    timezone: str
    targets: dict[str, Target]
    routines: dict[str, Routine]
    windows: dict[str, Window]
    state: Path
    files: tuple[Path, ...] = ()
    serve: Serve = field(default_factory=Serve)
    checks: Checks = field(default_factory=Checks)
    access: dict[str, Role] = field(default_factory=dict)
