"""The shape of the configuration file, declared as settings are; targets and tasks bring the fields of their kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from mainstay.config.document import Node
from mainstay.model.channel import Sort
from mainstay.model.checklist import Due
from mainstay.model.emergency import Emergencies
from mainstay.model.goals import Goal
from mainstay.model.service import Checks, Heartbeat, Role, Serve
from mainstay.model.setting import Setting
from mainstay.model.target import Privilege
from mainstay.model.task import Category, TaskLevel
from mainstay.model.units import Duration

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

Cadence = Literal["", "continuous", "daily", "weekly", "monthly", "quarterly", "semiannual", "yearly"]
ImpactName = Literal["none", "load", "blocks_writes", "downtime"]


@dataclass(frozen=True)
class SiteShape:
    """The top level."""

    site: Annotated[str, Setting("name of this system, as reports show it", example="residency-scheduler")]
    timezone: Annotated[str, Setting("time zone of all rules, as in the tz database", example="Europe/Berlin")]
    state: Annotated[Path, Setting("folder of the ledger")] = Path("/var/lib/mainstay")
    include: Annotated[tuple[str, ...], Setting("further files, relative to this one", example="[conf.d/*.yaml]")] = ()
    targets: Annotated[dict[str, Node], Setting("what is maintained, by name")] = field(default_factory=dict)
    routines: Annotated[dict[str, Node], Setting("ordered lists of tasks, by name")] = field(default_factory=dict)
    windows: Annotated[dict[str, Node], Setting("when routines may run, by name")] = field(default_factory=dict)
    outside_windows: Annotated[
        ImpactName, Setting("the highest impact that a person may cause outside of every slot that allows it, emergencies aside")
    ] = "downtime"
    blackouts: Annotated[dict[str, Node], Setting("when nothing may be done that people notice, by name")] = field(
        default_factory=dict
    )
    notify: Annotated[dict[str, Node], Setting("channels that notices are sent through, by name")] = field(default_factory=dict)
    contact: Annotated[str, Setting("whom people ask, as notices say it", example="ops@example.org, phone 112")] = ""
    notice_templates: Annotated[
        dict[Sort, Path], Setting("templates of your own, by the sort of notice", example="{lead: /etc/mainstay/lead.txt}")
    ] = field(default_factory=dict)
    checklists: Annotated[dict[str, Node], Setting("what people and facts answer, and people sign, by name")] = field(
        default_factory=dict
    )
    emergencies: Annotated[Emergencies, Setting("contacts, escalation and response times of emergencies")] = field(
        default_factory=Emergencies
    )
    serve: Annotated[Serve, Setting("how `mainstay serve` works", example="{runs_at_once: 2}")] = field(default_factory=Serve)
    checks: Annotated[Checks, Setting("how often `mainstay serve` looks at every target", example="{every: 5m}")] = field(
        default_factory=Checks
    )
    heartbeat: Annotated[
        Heartbeat | None, Setting("an address outside that notices when it is no longer called", example="{url: {env: PING}}")
    ] = None
    access: Annotated[
        dict[str, Role],
        Setting(
            "who may ask `mainstay serve` for what, by name of the role", example="{operators: {groups: [ops], may: [look, run]}}"
        ),
    ] = field(default_factory=dict)
    goals: Annotated[
        dict[str, Goal],
        Setting("what maintenance stays below, by cadence, as reports tell it", example="{daily: {active: 1h, downtime: 10m}}"),
    ] = field(default_factory=dict)


@dataclass(frozen=True)
class RunsIn:
    """Where a target's processes run."""

    container: Annotated[str, Setting("name of the container", example="db")]

    def __post_init__(self) -> None:
        """Refuse what `docker exec` would take for an option."""
        if not _CONTAINER.fullmatch(self.container):
            raise ValueError(f"{self.container!r} is not the name of a container")


@dataclass(frozen=True)
class TargetShape:
    """What every target has beside the settings of its kind."""

    kind: Annotated[str, Setting("what it is", example="sqlite")]
    runs_in: Annotated[RunsIn | None, Setting("the container that its processes run in", example="{container: db}")] = None
    privilege: Annotated[
        Privilege, Setting("`root`: what is not root has the root unit look at it and do its steps", example="root")
    ] = "user"


@dataclass(frozen=True)
class TaskShape:
    """What every task of a routine may have beside the parameters of its kind."""

    budget: Annotated[Duration | None, Setting("how long it is expected to take at most", example="10m")] = None
    needs: Annotated[tuple[str, ...], Setting("earlier tasks of the routine without which it is skipped")] = ()
    category: Annotated[Category | None, Setting("what it belongs to in reports")] = None
    level: Annotated[
        TaskLevel,
        Setting("how far it goes alone: `approve` waits for a person, `review` is looked at later, a person starts `manual`"),
    ] = "automatic"
    on_stop: Annotated[
        Literal["finish", "cancel"] | None,
        Setting("what becomes of a step under way when the run is to stop; `cancel`: also at the end of its slot"),
    ] = None


@dataclass(frozen=True)
class ProofShape:
    """A routine's demand for proven copies."""

    of: Annotated[tuple[str, ...], Setting("targets that need a copy proven restorable", refers_to="target", example="[db]")]
    within: Annotated[Duration, Setting("how old the proven copy may be", example="24h")]


@dataclass(frozen=True)
class RequireShape:
    """What has to be met before a routine may start: one of `signed`, `proven`, `done`, `rehearsed` and `checks`."""

    signed: Annotated[str, Setting("what a person signs, for one run", example="A second administrator is on call.")] = ""
    by: Annotated[tuple[str, ...], Setting("who may sign it; empty: anybody", example="[ada, bob]")] = ()
    proven: Annotated[
        tuple[str, ...], Setting("targets with a copy that was proven restorable", refers_to="target", example="[db]")
    ] = ()
    done: Annotated[tuple[Node, ...], Setting("tasks whose newest run ended well", example="[mirror.copy]")] = ()
    rehearsed: Annotated[
        bool, Setting("this routine was rehearsed on copies, as it is now, and none of its tasks failed", example="true")
    ] = False
    checks: Annotated[tuple[Node, ...], Setting("checks that find nothing", example="[mirror.check]")] = ()
    within: Annotated[Duration, Setting("how long ago that may be, checks aside", ge=60)] = Duration(30 * 86400)

    def __post_init__(self) -> None:
        """Refuse what requires nothing, or two things."""
        if sum(map(bool, (self.signed, self.proven, self.done, self.rehearsed, self.checks))) != 1:
            raise ValueError("write one of `signed`, `proven`, `done`, `rehearsed` and `checks`")
        if self.by and not self.signed:
            raise ValueError("`by` belongs to `signed`")


@dataclass(frozen=True)
class QuietShape:
    """A routine's demand for little traffic when a scheduled run starts; a query can leave out probes."""

    target: Annotated[str, Setting("whom to ask", refers_to="target", example="db")]
    at_most: Annotated[float, Setting("what counts as little", ge=0, example="10")]
    figure: Annotated[str, Setting("a figure of its check, as `mainstay trends` names it", example="connections")] = ""
    query: Annotated[str, Setting("or a query that yields one number", example="SELECT count(*) FROM requests")] = ""
    wait: Annotated[Duration, Setting("how long to wait for it", example="20m")] = Duration(0)
    otherwise: Annotated[Literal["postpone", "proceed"], Setting("what is done then; `postpone`: it is tried again")] = "postpone"

    def __post_init__(self) -> None:
        """Refuse what asks for nothing, or for two things."""
        if bool(self.figure) == bool(self.query):
            raise ValueError("write one of `figure` and `query`")


@dataclass(frozen=True)
class PhaseShape:
    """A named part of a routine."""

    tasks: Annotated[tuple[Node, ...], Setting("what it does, in order", example="[db.optimize, logs.rotate: {keep: 14}]")]
    budget: Annotated[Duration, Setting("how long its tasks may take together", ge=1, example="30m")]
    start: Annotated[
        str, Setting("its earliest beginning in a slot: a local time, or time since the slot began", example="'02:30' or +30m")
    ] = ""
    after: Annotated[
        tuple[str, ...] | None,
        Setting("the earlier phases that must have passed; without it, the one before", example="[backup]"),
    ] = None


@dataclass(frozen=True)
class RoutineShape:
    """An ordered list of tasks, or of phases with tasks."""

    tasks: Annotated[tuple[Node, ...], Setting("what it does, in order", example="[db.optimize, logs.rotate: {keep: 14}]")] = ()
    phases: Annotated[
        dict[str, Node], Setting("or its tasks in named parts, in order", example="{backup: {tasks: [safe.backup], budget: 30m}}")
    ] = field(default_factory=dict)
    around: Annotated[tuple[Node, ...], Setting("brackets around what causes an outage, outer first")] = ()
    checks: Annotated[tuple[Node, ...], Setting("checks that must pass before and after", example="[api.check]")] = ()
    looks: Annotated[tuple[Node, ...], Setting("checks that must be no worse after it", example="[stack.check]")] = ()
    cadence: Annotated[Cadence, Setting("how often it is meant to run, for reports")] = ""
    all_or_nothing: Annotated[bool, Setting("when one task fails, take back all of them")] = False
    manual: Annotated[bool, Setting("every task is started by a person: `mainstay sign`")] = False
    window: Annotated[str, Setting("the window it runs in; without it, the one of the same name")] = ""
    replaces: Annotated[tuple[str, ...], Setting("routines left out on a day on which this one is due")] = ()
    proof: Annotated[ProofShape | None, Setting("copies that must be proven restorable before it changes anything")] = None
    requires: Annotated[
        dict[str, Node],
        Setting("what must be signed or proven before it may start", example="{staff: {signed: Somebody is on call.}}"),
    ] = field(default_factory=dict)
    quiet: Annotated[QuietShape | None, Setting("the traffic above which a scheduled run does not start")] = None
    watch: Annotated[Duration, Setting("how long its result is watched before the run is settled")] = Duration(0)
    watch_every: Annotated[Duration, Setting("how often its checks look while it is watched", ge=0.1)] = Duration(300)
    rollback: Annotated[Duration, Setting("how long taking everything back may last")] = Duration(0)
    buffer: Annotated[Duration, Setting("time kept free for overruns")] = Duration(0)
    prepare: Annotated[
        Duration, Setting("how long before a slot `mainstay serve` prepares it; 0: not", ge=0, le=14 * 86400, example="24h")
    ] = Duration(0)
    prepared_by: Annotated[
        tuple[Node, ...], Setting("what is done then, as far as nobody notices it", example="[images.run]")
    ] = ()
    queue: Annotated[Duration, Setting("how long to wait for a lock that another run holds")] = Duration(0)


@dataclass(frozen=True)
class WindowShape:
    """When a routine may run."""

    rule: Annotated[str, Setting("a calendar rule", example="sunday 02:00")]
    length: Annotated[Duration, Setting("how long each slot lasts", ge=60, example="4h")]
    max_impact: Annotated[ImpactName, Setting("the highest impact allowed in it")] = "load"
    postpone: Annotated[Duration, Setting("by how many days a slot is put off that a blackout covers", example="7d")] = Duration(
        0
    )
    notices: Annotated[tuple[str, ...], Setting("when people are told before a slot", example='["14d", "friday 15:00"]')] = ()
    status: Annotated[
        tuple[str, ...], Setting("local times at which people are told how far the run is", example='["03:00", "04:00"]')
    ] = ()
    advice: Annotated[str, Setting("what people should do or expect, as notices say it", example="Save your work by 01:55.")] = ""

    untold: Annotated[
        Literal["warn", "block"], Setting("what a scheduled run does whose `notices` were not delivered in time")
    ] = "warn"

    def __post_init__(self) -> None:
        """Refuse parts of a day: a slot keeps its time of day."""
        if self.postpone % 86400:
            raise ValueError(f"`postpone: {self.postpone}` is not a number of days")


@dataclass(frozen=True)
class MomentShape:
    """A moment that a target knows."""

    target: Annotated[str, Setting("whom to ask", refers_to="target", example="db")]
    query: Annotated[str, Setting("a query that yields one moment", example="SELECT max(published_at) FROM schedule")]


@dataclass(frozen=True)
class BlackoutShape:
    """When nothing may be done that people notice: one of `on`, `rule`, `ical` and `moment`."""

    on: Annotated[str, Setting("a date or a range of dates, of every year or of one", example="'12-20..01-06'")] = ""
    rule: Annotated[str, Setting("a calendar rule of beginnings", example="'last friday 12:00'")] = ""
    length: Annotated[Duration | None, Setting("how long each lasts that `rule` names; default: a day", ge=60)] = None
    ical: Annotated[str, Setting("an iCalendar file or its address", example="https://calendar/surveys.ics")] = ""
    match: Annotated[str, Setting("only events of `ical` with this text in their summary", example="survey")] = ""
    moment: Annotated[MomentShape | None, Setting("the newest such moment, asked when something is about to be done")] = None
    before: Annotated[Duration, Setting("how long before it the blackout begins", example="7d")] = Duration(0)
    after: Annotated[Duration, Setting("how long after it the blackout ends", example="24h")] = Duration(0)
    max_impact: Annotated[ImpactName, Setting("the highest impact that it allows")] = "none"
    reason: Annotated[str, Setting("what people are told", example="fiscal year begins")] = ""

    def __post_init__(self) -> None:
        """Refuse what says nothing, or two things."""
        given = [name for name in ("on", "rule", "ical", "moment") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"has {' and '.join(given) or 'none'} of `on`, `rule`, `ical` and `moment`: write one of them")
        if self.length and not self.rule:
            raise ValueError("`length` belongs to `rule`")
        if self.match and not self.ical:
            raise ValueError("`match` belongs to `ical`")
        if self.moment and not (self.before or self.after):
            raise ValueError("`moment` needs `before` or `after`: a moment alone lasts no time")
        if self.ical and not self.ical.startswith(("/", "https://", "http://")):
            raise ValueError(f"{self.ical!r} is neither an absolute path nor an address")


@dataclass(frozen=True)
class ChecklistShape:
    """What facts and people answer, and people sign."""

    form: Annotated[str, Setting("a form that comes with Mainstay, to begin with", example="backup-daily")] = ""
    targets: Annotated[
        dict[str, str], Setting("which target stands for each role of the form", example="{backups: safe, data: db}")
    ] = field(default_factory=dict)
    title: Annotated[str, Setting("what it is called; without one, as its form or its name")] = ""
    items: Annotated[
        dict[str, tuple[Node, ...]], Setting("its items by group: a text that a person answers, or one with what answers it")
    ] = field(default_factory=dict)
    signed_by: Annotated[
        tuple[str, ...], Setting("the roles that sign it, each by another person", example="[administrator, manager]")
    ] = ()
    due: Annotated[Due | None, Setting("when it is due; without it, whenever somebody begins", example="{rule: daily 07:00}")] = (
        None
    )
    remind: Annotated[tuple[Duration, ...], Setting("how long after that people are reminded", example="[2h, 8h]")] = (
        Duration(4 * 3600),
    )


@dataclass(frozen=True)
class FormShape:
    """A form that comes with Mainstay: items that name roles where a configuration names targets."""

    title: Annotated[str, Setting("what it is called")]
    roles: Annotated[dict[str, str], Setting("what stands for each role")]
    items: Annotated[dict[str, tuple[Node, ...]], Setting("its items by group")]
    signed_by: Annotated[tuple[str, ...], Setting("the roles that sign it, each by another person")] = ("verifier",)
