"""The shape of the configuration file, declared as settings are; targets and tasks bring the fields of their kinds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from mainstay.config.document import Node
from mainstay.model.service import Checks, Role, Serve
from mainstay.model.setting import Setting
from mainstay.model.task import Category
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
    serve: Annotated[Serve, Setting("how `mainstay serve` works", example="{runs_at_once: 2}")] = field(default_factory=Serve)
    checks: Annotated[Checks, Setting("how often `mainstay serve` looks at every target", example="{every: 5m}")] = field(
        default_factory=Checks
    )
    access: Annotated[
        dict[str, Role],
        Setting(
            "who may ask `mainstay serve` for what, by name of the role", example="{operators: {groups: [ops], may: [look, run]}}"
        ),
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


@dataclass(frozen=True)
class TaskShape:
    """What every task of a routine may have beside the parameters of its kind."""

    budget: Annotated[Duration | None, Setting("how long it is expected to take at most", example="10m")] = None
    needs: Annotated[tuple[str, ...], Setting("earlier tasks of the routine without which it is skipped")] = ()
    category: Annotated[Category | None, Setting("what it belongs to in reports")] = None


@dataclass(frozen=True)
class ProofShape:
    """A routine's demand for proven copies."""

    of: Annotated[tuple[str, ...], Setting("targets that need a copy proven restorable", refers_to="target", example="[db]")]
    within: Annotated[Duration, Setting("how old the proven copy may be", example="24h")]


@dataclass(frozen=True)
class RoutineShape:
    """An ordered list of tasks."""

    tasks: Annotated[tuple[Node, ...], Setting("what it does, in order", example="[db.optimize, logs.rotate: {keep: 14}]")]
    around: Annotated[tuple[Node, ...], Setting("brackets around what causes an outage, outer first")] = ()
    checks: Annotated[tuple[Node, ...], Setting("checks that must pass before and after", example="[api.check]")] = ()
    cadence: Annotated[Cadence, Setting("how often it is meant to run, for reports")] = ""
    all_or_nothing: Annotated[bool, Setting("when one task fails, take back all of them")] = False
    window: Annotated[str, Setting("the window it runs in; without it, the one of the same name")] = ""
    replaces: Annotated[tuple[str, ...], Setting("routines left out on a day on which this one is due")] = ()
    proof: Annotated[ProofShape | None, Setting("copies that must be proven restorable before it changes anything")] = None
    watch: Annotated[Duration, Setting("how long its result is watched before the run is settled")] = Duration(0)
    rollback: Annotated[Duration, Setting("how long taking everything back may last")] = Duration(0)
    buffer: Annotated[Duration, Setting("time kept free for overruns")] = Duration(0)
    queue: Annotated[Duration, Setting("how long to wait for a lock that another run holds")] = Duration(0)


@dataclass(frozen=True)
class WindowShape:
    """When a routine may run."""

    rule: Annotated[str, Setting("a calendar rule", example="sunday 02:00")]
    length: Annotated[Duration, Setting("how long each slot lasts", ge=60, example="4h")]
    max_impact: Annotated[ImpactName, Setting("the highest impact allowed in it")] = "load"
