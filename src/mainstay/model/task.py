"""What the configuration asks for: tasks, routines, windows, and the site that holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

from mainstay.model.channel import Channel, Sort
from mainstay.model.checklist import Checklist
from mainstay.model.emergency import Emergencies
from mainstay.model.goals import Goal
from mainstay.model.phase import Phase
from mainstay.model.plan import Impact
from mainstay.model.service import Checks, Heartbeat, Role, Serve
from mainstay.model.target import Origin, Target
from mainstay.model.units import Duration

Category = Literal["system", "application", "data", "infrastructure"]
TaskLevel = Literal["automatic", "review", "approve", "manual"]
OnStop = Literal["", "finish", "cancel"]


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
    """One task as configured: `params` is the parameter dataclass of the task kind, `origins` the line of each parameter.

    Its `level` counts where nobody attends the run: "approve" waits for a person before it acts, and what was done by a task of
    level "review" is open until a person has looked at it. "manual" waits for a person who starts it, also where one attends.

    `on_stop` says what becomes of a step under way when its run is to stop: "cancel" ends it, also when the slot is over;
    "finish" lets it end by itself. "" ends it when somebody wishes that, and lets it end when the slot is over.
    """

    id: str  # "db.vacuum"
    target: Target
    name: str  # "vacuum"
    params: Any
    needs: tuple[str, ...] = ()
    budget: Duration | None = None
    category: Category = "application"
    level: TaskLevel = "automatic"
    on_stop: OnStop = ""
    origin: Origin | None = None
    origins: dict[str, Origin] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """A routine's demand: each of these targets has a copy that was proven restorable no longer ago than `within`."""

    of: tuple[str, ...]
    within: Duration
    origin: Origin | None = None


@dataclass(frozen=True)
class Quiet:
    """A scheduled run starts when there is little traffic: a figure of a target's check, or what a query yields, is `at_most`.

    wait       how long it is waited for
    otherwise  what is done then: "postpone" (it is tried again while the slot is open) or "proceed"
    """

    target: str
    at_most: float
    figure: str = ""
    query: str = ""
    wait: Duration = Duration(0)
    otherwise: Literal["postpone", "proceed"] = "postpone"
    origin: Origin | None = None


@dataclass(frozen=True)
class Requirement:
    """What has to be met before a routine may start: one of the five.

    signed  what a person signs for its next run; `by` are those who may, empty: anybody
    proven  targets with a copy that was proven restorable
    done    tasks whose newest run ended well
    rehearsed  the routine itself was done to copies, as it is now
    checks  looks that find nothing
    within  how long ago all but the last may be
    """

    name: str
    signed: str = ""
    by: tuple[str, ...] = ()
    proven: tuple[str, ...] = ()
    done: tuple[Task, ...] = ()
    rehearsed: bool = False
    checks: tuple[Task, ...] = ()
    within: Duration = Duration(30 * 86400)
    origin: Origin | None = None


@dataclass(frozen=True)
class Routine:
    """An ordered list of tasks. `around` are brackets, outer first; `checks` must pass before and after, `looks` be no worse."""

    name: str
    tasks: tuple[Task, ...]
    around: tuple[Task, ...] = ()
    checks: tuple[Task, ...] = ()
    looks: tuple[Task, ...] = ()
    cadence: str = ""
    all_or_nothing: bool = False
    manual: bool = False  # every task is started by a person
    window: str = ""
    replaces: tuple[str, ...] = ()  # routines that are left out on a day on which this one is due
    proof: Proof | None = None
    quiet: Quiet | None = None
    watch: Duration = Duration(0)
    watch_every: Duration = Duration(300)
    rollback: Duration = Duration(0)  # how long taking everything back may last
    buffer: Duration = Duration(0)
    queue: Duration = Duration(0)  # how long to wait for a lock that another run holds
    origin: Origin | None = None
    phases: tuple[Phase, ...] = ()  # every task is in one of them, or there are none
    requires: tuple[Requirement, ...] = ()
    prepare: Duration = Duration(0)  # how long before a slot it is prepared; 0 = nobody does
    prepared_by: tuple[Task, ...] = ()  # what is done then


@dataclass(frozen=True)
class Window:
    """When a routine may run: `rule` is a calendar rule (see `schedule.rules`), `length` how long each slot lasts."""

    name: str
    rule: str
    length: Duration
    max_impact: Impact = Impact.LOAD
    postpone: Duration = Duration(0)  # by how much a slot is put off that a blackout covers; 0 = it stays
    origin: Origin | None = None
    notices: tuple[str, ...] = ()  # lead times, see `schedule.leads`
    status: tuple[str, ...] = ()  # local times at which people are told how far the run is
    advice: str = ""  # what people should do or expect
    untold: Literal["warn", "block"] = "warn"  # a scheduled run whose notices were not delivered in time


@dataclass(frozen=True)
class Slot:
    """One occurrence of a window: [start, end), in UTC.

    due     when the rule has it; later than that it begins where a blackout moved it
    origin  the line of its window; None for one that was announced
    """

    window: str
    start: datetime
    end: datetime
    max_impact: Impact
    due: datetime
    origin: Origin | None = None


@dataclass(frozen=True)
class Moment:
    """A moment that a target knows: what a query yields."""

    target: str
    query: str


@dataclass(frozen=True)
class Blackout:
    """When nothing harder than `max_impact` may be done: one of `on`, `rule`, `ical` and `moment`, made longer on both sides.

    on      dates, see `schedule.blackouts`
    rule    a calendar rule of beginnings, each of which lasts `length`
    ical    a file or an address of iCalendar events, those with `match` in their summary
    moment  the newest such moment
    """

    name: str
    on: str = ""
    rule: str = ""
    length: Duration = Duration(86400)
    ical: str = ""
    match: str = ""
    moment: Moment | None = None
    before: Duration = Duration(0)
    after: Duration = Duration(0)
    max_impact: Impact = Impact.NONE
    reason: str = ""
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
    blackouts: dict[str, Blackout] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    contact: str = ""
    notice_templates: dict[Sort, Path] = field(default_factory=dict)
    checklists: dict[str, Checklist] = field(default_factory=dict)
    emergencies: Emergencies = field(default_factory=Emergencies)
    serve: Serve = field(default_factory=Serve)
    checks: Checks = field(default_factory=Checks)
    access: dict[str, Role] = field(default_factory=dict)
    outside_windows: Impact = Impact.DOWNTIME  # the highest that a person may cause outside of every slot that allows it
    heartbeat: Heartbeat | None = None
    goals: dict[str, Goal] = field(default_factory=dict)  # by cadence
