"""Open an emergency, keep the evidence, say how it stands, close it; whoever does it is written down."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

from mainstay import config
from mainstay.engine import owed
from mainstay.engine.context import Context
from mainstay.ledger import emergencies as remembered
from mainstay.ledger import events, lessons, queries
from mainstay.model.codec import encode
from mainstay.model.emergency import PHASES, Emergency, FollowUp, Severity
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.run import RunRecord
from mainstay.model.units import Duration
from mainstay.people import evidence
from mainstay.system import clock


@dataclass(frozen=True)
class Alarm:
    """What is said when an emergency is opened; `contacts` are told beside those of the configuration."""

    severity: Severity
    reason: str
    by: str
    because: str = ""
    contacts: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Escalation:
    """An emergency, or an emergency run, that lasts too long, and whom it has to reach."""

    id: str
    after: Duration
    to: Mapping[str, str]


class Emergencies:
    """The emergencies of a site; `tell` has people told of the one of that id, and says whom it has reached."""

    def __init__(self, context: Context, tell: Callable[[str], str]) -> None:
        self._context, self._journal, self._tell = context, context.journal, tell

    def open(self, alarm: Alarm) -> Emergency:
        """Open one: from its first event on it is known, and whom it reaches is told; evidence is kept right after."""
        year = clock.now().astimezone(ZoneInfo(self._context.site.timezone)).year
        rules = self._context.site.emergencies
        rank = rules.rank(alarm.severity)
        body = {
            "severity": alarm.severity,
            "reason": alarm.reason,
            "by": alarm.by,
            "because": alarm.because,
            "contacts": {**rules.reached(alarm.severity), **{name: rules.contacts.get(name, name) for name in alarm.contacts}},
            "respond": rank.respond,
            "update": rank.update,
        }
        id = remembered.claim(self._journal, year)
        self._journal.append(events.EMERGENCY_OPENED, body, run=id)
        self._journal.append(events.EMERGENCY_TOLD, {"text": self._tell(id)}, run=id)
        self.keep_evidence(id, "the emergency was opened")
        return self.get(id)

    def keep_evidence(self, id: str, why: str, tasks: Sequence[str] = ()) -> None:
        """Write down what is seen now: at every target, or by these tasks alone."""
        found = evidence.collect(self._context, why, tasks)
        self._journal.append(events.EMERGENCY_EVIDENCE, encode(found), run=id)

    def get(self, id: str) -> Emergency:
        """Return an emergency; `last` is the newest."""
        newest = remembered.newest(self._journal, 1) if id == "last" else []
        found = newest[0] if newest else remembered.load(self._journal, id)
        if found is None:
            raise Refused("no such emergency", on=id, next="mainstay emergency list")
        return found

    def all(self, count: int) -> list[Emergency]:
        """Return the newest ones, newest first."""
        return remembered.newest(self._journal, count)

    def still_open(self) -> list[Emergency]:
        """Return those that nobody has closed, oldest first."""
        return remembered.still_open(self._journal)

    def note(self, id: str, by: str, text: str) -> None:
        """Add a line to its timeline, afterwards too."""
        self._journal.append(events.EMERGENCY_NOTED, {"by": by, "text": text}, run=self.get(id).id)

    def phase(self, id: str, phase: str, by: str, owner: str, text: str) -> None:
        """Say that a phase begins, and who has it in hand."""
        if phase not in PHASES:
            raise ConfigError(f"there is no phase {phase!r}", next=f"known: {', '.join(PHASES)}")
        body = {"phase": phase, "by": by, "owner": owner or by, "text": text}
        self._journal.append(events.EMERGENCY_PHASE, body, run=self._open(id).id)

    def close(self, id: str, by: str, resolution: str, follow_ups: Sequence[str]) -> Emergency:
        """Say how it ended and what is left to do, the runbook always; then look at every target once more."""
        found, left = self._open(id), [*dict.fromkeys(follow_ups), lessons.RUNBOOK]
        version = config.version(self._context.site)
        body = {"by": by, "resolution": resolution, "follow_ups": left, "configuration": version}
        self._journal.append(events.EMERGENCY_CLOSED, body, run=found.id)
        self.keep_evidence(found.id, "the emergency was closed")
        return self.get(found.id)

    def follow(self, id: str, number: int, by: str, remark: str) -> None:
        """Sign that something that was left to do is done: after an emergency, or after the drill of that run."""
        if lesson := lessons.of_run(self._journal, id):
            return self._sign(FollowUp(1, lesson.text, configuration=lesson.configuration), id, by, remark)
        found = self.get(id)
        known = {one.number: one for one in found.follow_ups}
        if number not in known:
            raise Refused("there is no such follow-up", on=f"{found.id} {number}", next=f"mainstay emergency show {found.id}")
        if known[number].done:
            raise Refused("it is done already", on=f"{found.id} {number}", because=f"{known[number].by} said so")
        return self._sign(known[number], found.id, by, remark)

    def _sign(self, one: FollowUp, id: str, by: str, remark: str) -> None:
        """Write it down, with the version that is in force now; a runbook that is still the same needs a word about that."""
        version = config.version(self._context.site)
        if one.text in (lessons.RUNBOOK, lessons.PROCEDURE) and version == one.configuration and not remark:
            because = f"the configuration is still {version}, as it was then"
            next = "say what was updated, or why nothing had to be: --remark TEXT"
            raise Refused("a remark is needed", on=f"{id} {one.number}", because=because, next=next)
        body = {"number": one.number, "by": by, "remark": remark, "configuration": version}
        self._journal.append(events.EMERGENCY_FOLLOWED, body, run=id)

    def escalate(self) -> list[Escalation]:
        """Write down whom each open emergency, and each emergency run that is not over, has to reach by now; which is told."""
        now, told = clock.now(), []
        for found in self.still_open():
            for one in self._owed(found.lasted(now), {one.after for one in found.escalated}):
                self._journal.append(events.EMERGENCY_ESCALATED, {"after": one.after, "to": one.to}, run=found.id)
                told.append(replace(one, id=found.id))
        for run in (run for run in queries.unsettled(self._journal) if _burns(run)):
            before = self._journal.events(run=run.id, kinds=(events.RUN_ESCALATED,))
            for one in self._owed(Duration((now - run.began).total_seconds()), {event.body["after"] for event in before}):
                text = f"after {one.after}: {', '.join(one.to) or 'no contact is configured'}"
                body = {"by": "mainstay", "text": text, "after": one.after, "to": one.to}
                self._journal.append(events.RUN_ESCALATED, body, run=run.id)
                told.append(replace(one, id=run.id))
        return told

    def _owed(self, lasts: Duration, reached: Collection[float]) -> Iterator[Escalation]:
        """Yield the lines of the chain whose time has come, each once."""
        rules = self._context.site.emergencies
        for one in rules.escalation:
            if one.after <= lasts and one.after not in reached:
                yield Escalation("", one.after, {one.to: rules.contacts[one.to]} if one.to else rules.contacts)

    def _open(self, id: str) -> Emergency:
        found = self.get(id)
        if found.closed:
            next = f"mainstay emergency note {found.id} TEXT, or open a new one"
            raise Refused("the emergency is closed", on=found.id, because=f"{found.closed_by}: {found.resolution}", next=next)
        return found


def _burns(run: RunRecord) -> bool:
    """Tell whether an emergency run is not over: it is under way, or something of it is owed."""
    return run.emergency is not None and (not run.ended or bool(owed.reason(run)))
