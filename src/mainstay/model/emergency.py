"""An emergency: how bad it is, who is told when, and everything that was said and done until it was over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Literal

from mainstay.model.because import Because, Finding, because
from mainstay.model.figure import Figure
from mainstay.model.setting import Setting
from mainstay.model.units import Duration

Symptom = Literal["cpu", "memory", "disk", "connections"]
SYMPTOMS: dict[Symptom, str] = {
    "cpu": "high load of a database",
    "memory": "memory pressure",
    "disk": "a disk that is full",
    "connections": "no connection is left",
}
PHASES = ("cause", "fix", "test", "deploy", "watch")


class Severity(StrEnum):
    """How bad it is; S1 is the worst."""

    S1 = "S1"
    S2 = "S2"
    S3 = "S3"
    S4 = "S4"


@dataclass(frozen=True)
class Rank:
    """What a severity means and asks for."""

    meaning: Annotated[str, Setting("what it stands for", example="users cannot work")]
    respond: Annotated[Duration, Setting("how soon somebody has to be at it", ge=0, example="15m")]
    update: Annotated[Duration, Setting("how often those who wait are told how it stands", ge=60, example="30m")]
    contacts: Annotated[tuple[str, ...], Setting("who is told at once; without any, all contacts", example="[on-call]")] = ()


RANKS: Mapping[Severity, Rank] = MappingProxyType(
    {
        Severity.S1: Rank("nobody can work, or data is being lost or taken", Duration(15 * 60), Duration(30 * 60)),
        Severity.S2: Rank("most users are hindered, or an attack is possible", Duration(60 * 60), Duration(2 * 3600)),
        Severity.S3: Rank("some users are hindered, and there is a way round", Duration(4 * 3600), Duration(24 * 3600)),
        Severity.S4: Rank("nobody notices it yet", Duration(24 * 3600), Duration(7 * 24 * 3600)),
    }
)


@dataclass(frozen=True)
class Escalation:
    """Whom an emergency reaches that lasts too long."""

    after: Annotated[Duration, Setting("how long it has been open", ge=60, example="15m")]
    to: Annotated[str, Setting("a contact; without one, all of them", example="manager")] = ""


@dataclass(frozen=True)
class Emergencies:
    """What is done about emergencies."""

    contacts: Annotated[
        dict[str, str], Setting("who is told, by role", example="{on-call: '+49 30 1234', manager: bob@example.com}")
    ] = field(default_factory=dict)
    escalation: Annotated[
        tuple[Escalation, ...], Setting("whom one reaches that stays open", example="[{after: 15m, to: manager}]")
    ] = (Escalation(Duration(3600)),)
    severities: Annotated[
        dict[str, Rank], Setting("another meaning, response time or contacts of a severity", example="{S1: {...}}")
    ] = field(default_factory=dict)
    freeze: Annotated[bool, Setting("while one is open, scheduled runs do nothing but backups and checks, as in a blackout")] = (
        True
    )
    mode: Annotated[
        tuple[str, ...],
        Setting("what the emergency mode puts in force; default: all with a banner for it", example="[web.maintenance]"),
    ] = ()
    notice_within: Annotated[
        Duration, Setting("how long an emergency run waits for its notice to be taken before it begins", ge=0, le=300)
    ] = Duration(10)
    fixes: Annotated[
        dict[Symptom, tuple[str, ...]], Setting("further tasks that relieve a symptom", example="{memory: [api.run]}")
    ] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a severity that there is none of, and a contact that nobody knows."""
        for name in self.severities:
            if name not in Severity.__members__:
                raise ValueError(f"severities: no severity {name!r}; there are {', '.join(Severity)}")
        for name in self.fixes:
            if name not in SYMPTOMS:
                raise ValueError(f"fixes: no symptom {name!r}; there are {', '.join(SYMPTOMS)}")
        named = [one.to for one in self.escalation if one.to]
        named += [contact for rank in self.severities.values() for contact in rank.contacts]
        for name in named:
            if name not in self.contacts:
                raise ValueError(f"no contact {name!r}; known: {', '.join(self.contacts) or 'none'}")

    def rank(self, severity: Severity) -> Rank:
        """Return what a severity asks for here."""
        return self.severities.get(severity) or RANKS[severity]

    def reached(self, severity: Severity) -> dict[str, str]:
        """Return who is told of one of this severity at once, and where they are reached."""
        wanted = self.rank(severity).contacts
        return {name: where for name, where in self.contacts.items() if name in wanted or not wanted}


@dataclass(frozen=True)
class Assessment:
    """What is answered when somebody asks how bad it is."""

    vulnerable: bool = False  # does it concern a version or a setting that is here?
    exposed: bool = False  # can it be reached from outside?
    used: bool = False  # is that part in use?
    users: Literal["none", "some", "most", "all"] = "none"
    data_at_risk: bool = False


_TABLE: tuple[tuple[Severity, Mapping[str, bool | str]], ...] = (
    (Severity.S1, {"data_at_risk": True}),
    (Severity.S1, {"users": "all"}),
    (Severity.S1, {"vulnerable": True, "exposed": True, "used": True}),
    (Severity.S2, {"users": "most"}),
    (Severity.S2, {"vulnerable": True, "exposed": True}),
    (Severity.S2, {"vulnerable": True, "used": True}),
    (Severity.S3, {"users": "some"}),
    (Severity.S3, {"vulnerable": True}),
    (Severity.S4, {}),
)


def assess(found: Assessment) -> tuple[Severity, Because]:
    """Return the severity, and which answers made it: the first row of the table that they fulfil."""
    for severity, wanted in _TABLE:
        if all(getattr(found, name) == value for name, value in wanted.items()):
            named = (f"users {value}" if name == "users" else name.replace("_", " ") for name, value in wanted.items())
            return severity, because("assessed", ", ".join(named) or "nothing of the table applies")
    raise AssertionError("the last row fits everything")


@dataclass(frozen=True)
class Seen:
    """What a look at a target showed; `facts` is None where it could not be looked at, or where they are too large to keep."""

    task: str
    at: datetime
    findings: tuple[Finding, ...] = ()
    figures: tuple[Figure, ...] = ()
    facts: Any = None


@dataclass(frozen=True)
class Evidence:
    """What was kept before anything was mended: looks, the runs that changed something last, and those that are not settled."""

    at: datetime
    why: str
    looks: tuple[Seen, ...] = ()
    changed: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """One entry of the timeline by a person: a note, or the beginning of a phase with its owner."""

    at: datetime
    by: str
    text: str
    phase: str = ""
    owner: str = ""


@dataclass(frozen=True)
class FollowUp:
    """Something that is left to do; `done` is when somebody did it. Both have the version of the configuration of their time."""

    number: int
    text: str
    done: datetime | None = None
    by: str = ""
    remark: str = ""
    configuration: str = ""
    done_under: str = ""


@dataclass(frozen=True)
class Escalated:
    """Whom the emergency reached because it stayed open."""

    at: datetime
    after: Duration
    to: dict[str, str]


@dataclass(frozen=True)
class Mode:
    """The emergency mode: who has switched it on, and the brackets that it has put in force."""

    at: datetime
    by: str
    modes: tuple[str, ...] = ()
    lasts: Duration = Duration(0)


@dataclass(frozen=True)
class Emergency:
    """One emergency, folded from its events."""

    id: str
    severity: Severity
    reason: str
    opened: datetime
    by: str
    because: str = ""  # how its severity was found
    contacts: dict[str, str] = field(default_factory=dict)
    told: str = ""  # whom its first notice has reached
    said: tuple[Said, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    escalated: tuple[Escalated, ...] = ()
    mode: Mode | None = None
    thawed: bool = False  # the mode was switched off: scheduled runs go on, though it is open
    closed: datetime | None = None
    closed_by: str = ""
    resolution: str = ""
    follow_ups: tuple[FollowUp, ...] = ()

    @property
    def phase(self) -> str:
        """The phase it is in, "" before the first."""
        return next((one.phase for one in reversed(self.said) if one.phase), "")

    def lasted(self, now: datetime) -> Duration:
        """Return how long it has been open."""
        return Duration(((self.closed or now) - self.opened).total_seconds())
